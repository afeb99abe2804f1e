import { type Counts, totalsOf } from '../schema';

/** The number of final items at a browser time, epoch ms. */
export type ProgressSample = { atMs: number; final: number };

/** Shorter intervals give no reliable rate. */
const MIN_INTERVAL_MS = 500;
/** A gap between events of up to this length does not lower the rate. */
const GRACE_MS = 1_000;

/**
 * Items per second over the samples (oldest first), or since `startsAtMs` if they do not suffice. `null` if too little is
 * known. All times are from the same clock.
 */
export function ratePerSecond(
  samples: readonly ProgressSample[],
  { startsAtMs, nowMs }: { startsAtMs: number; nowMs: number },
): number | null {
  const last = samples.at(-1);
  if (last === undefined || last.final === 0) return null;
  // Time before the first result does not count.
  const idle = samples.findLastIndex(({ final }) => final === 0);
  const first = samples[Math.max(0, idle)] ?? last;
  const endMs = Math.max(last.atMs, nowMs - GRACE_MS);
  if (last.final > first.final && endMs - first.atMs >= MIN_INTERVAL_MS) {
    return ((last.final - first.final) * 1_000) / (endMs - first.atMs);
  }
  const sinceStartMs = nowMs - startsAtMs;
  return sinceStartMs >= MIN_INTERVAL_MS ? (last.final * 1_000) / sinceStartMs : null;
}

/** The remaining time at this rate, ms, or `null` if it is unknown. */
export function restMs(counts: Counts, perSecond: number | null): number | null {
  const { total, final } = totalsOf(counts);
  return perSecond === null || perSecond <= 0 ? null : ((total - final) * 1_000) / perSecond;
}

/** `48 per second`, `2.5 per second`, `12 per minute`. */
export function rateText(perSecond: number): string {
  if (perSecond >= 9.95) return `${Math.round(perSecond)} per second`;
  if (perSecond >= 1) return `${trimmed(perSecond)} per second`;
  return `${Math.max(1, Math.round(perSecond * 60))} per minute`;
}

const UNITS = [
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/** `about 40 s left`, rounded up to one whole unit. */
export function leftText(ms: number): string {
  // Up to 1.5 of the larger unit, the smaller one is more accurate.
  const unit = UNITS.find((candidate) => ms > candidate.ms * 1.5) ?? UNITS[2];
  return `about ${Math.max(1, Math.ceil(ms / unit.ms))} ${unit.name} left`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
