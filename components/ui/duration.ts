const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units of a duration in ms, as tables show it: `3d 4h`, `2h 05m`, `40s`. Negative counts as none. */
export function formatDuration(ms: number): string {
  const rest = Math.max(0, ms);
  const first = UNITS.findIndex(([, size]) => rest >= size);
  if (first < 0) return '0s';
  const [unit, size] = UNITS[first] ?? UNITS[3];
  const second = UNITS[first + 1];
  const whole = `${Math.floor(rest / size)}${unit}`;
  if (!second) return whole;
  const [smallerUnit, smallerSize] = second;
  return `${whole} ${String(Math.floor((rest % size) / smallerSize)).padStart(2, '0')}${smallerUnit}`;
}
