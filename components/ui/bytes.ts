const STEP = 1024;
const UNITS = ['KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Bytes as people say them: `611 B`, `1.5 KB`, `148 KB`, `2.4 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < STEP) return `${bytes} B`;
  let value = bytes / STEP;
  let unit = 0;
  // What would be written as 1024 of one unit is 1 of the next.
  while (value >= STEP - 0.5 && unit < UNITS.length - 1) {
    value /= STEP;
    unit += 1;
  }
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} ${UNITS[unit]}`;
}

const whole = new Intl.NumberFormat('en');

/** `1,234 bytes`: exactly, for hovering. */
export function exactBytes(bytes: number): string {
  return `${whole.format(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`;
}
