const STEP = 1024;
const UNITS = ['KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Formats bytes for people: `611 B`, `1.5 KB`, `148 KB`, `2.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < STEP) return `${bytes} B`;
  let value = bytes / STEP;
  let unit = 0;
  // A value that would round to 1024 becomes 1 of the next unit.
  while (value >= STEP - 0.5 && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} ${UNITS[unit]}`;
}

const COUNT = new Intl.NumberFormat('en');

/** The exact count, `1,234 bytes`. */
export function exactBytes(bytes: number): string {
  return `${COUNT.format(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`;
}
