const PAGE_ROWS = 20;

/** Where a key leads from row `at` (-1: none yet) of `count`, before bounds; no entry for keys that lead nowhere. */
export const ROW_KEYS: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + PAGE_ROWS,
  PageUp: (at) => at - PAGE_ROWS,
  Home: () => 0,
  End: (_at, count) => count - 1,
};
