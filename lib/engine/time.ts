/** RFC 3339 with up to nine fractional digits. */
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/;

export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** RFC 3339 to Unix milliseconds, truncated; null if invalid. */
export function parseTime(text: string): number | null {
  if (!RFC3339.test(text)) return null;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? null : timeMs;
}

/** Unix microseconds as RFC 3339 UTC with six digits. */
export function formatMicros(timeUs: number): string {
  const micros = String(timeUs % 1000).padStart(3, '0');
  return `${formatTime(Math.floor(timeUs / 1000)).slice(0, -1)}${micros}Z`;
}

/** RFC 3339 to Unix microseconds, truncated; null if invalid. */
export function parseMicros(text: string): number | null {
  const timeMs = parseTime(text);
  if (timeMs === null) return null;
  const fraction = (RFC3339.exec(text)?.[1] ?? '').padEnd(6, '0');
  return Math.floor(timeMs / 1000) * 1_000_000 + Number(fraction.slice(0, 6));
}
