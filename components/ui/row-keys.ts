const PAGE_ROWS = 20;

/** The row that a key moves to from row `at` of `count`, not clamped. `at` is -1 while no row is active. */
export const ROW_KEYS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + PAGE_ROWS,
  PageUp: (at) => at - PAGE_ROWS,
  Home: () => 0,
  End: (_at, count) => count - 1,
};
