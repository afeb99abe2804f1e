const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** The two largest units of a duration in ms: `3d 04h`, `2h 05m`, `40s`. Negative durations are `0s`. */
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

/** An elapsed time in ms: `80 ms`, `1.2 s`, `24 s`, `2m 05s`. */
export function formatTook(ms: number): string {
  const rest = Math.max(0, ms);
  if (rest < 1_000) return `${Math.round(rest)} ms`;
  if (rest < 10_000) return `${(Math.floor(rest / 100) / 10).toFixed(1)} s`;
  return rest < 60_000 ? `${Math.floor(rest / 1_000)} s` : formatDuration(rest);
}

const WORDS = { d: 'd', h: 'h', m: 'min', s: 's' } as const;

/** A chosen time span in ms, without zero parts: `15 min`, `1 h 30 min`. */
export function formatSpan(ms: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, ms);
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount} ${WORDS[unit]}`);
    rest %= size;
  }
  return parts.length === 0 ? '0 s' : parts.join(' ');
}

/** A remaining time in ms as a countdown: `4:32`, `1:04:32`. Negative times are `0:00`. */
export function formatCountdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number) => String(part).padStart(2, '0');
  return h === 0 ? `${m}:${two(s)}` : `${h}:${two(m)}:${two(s)}`;
}
