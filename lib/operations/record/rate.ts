import { type Counts, totalsOf } from '../schema';

/** How many items were final at a moment of this browser's clock, epoch ms. */
export type ProgressSample = { atMs: number; final: number };

/** Shorter stretches say more about chance than about the rate. */
const SHORTEST_MS = 500;
/** As long as the next news may well be on its way, a pause in them is not held against the rate. */
const GRACE_MS = 1_000;

/**
 * Items per second over the latest samples (oldest first), or over all the time since `startsAtMs` where they do not
 * reach. `null` while too little is known. All times by one clock.
 */
export function ratePerSecond(
  samples: readonly ProgressSample[],
  { startsAtMs, nowMs }: { startsAtMs: number; nowMs: number },
): number | null {
  const last = samples.at(-1);
  if (last === undefined || last.final === 0) return null;
  // Until the first item was done, the time does not count from when it was waited for but from when it was sent.
  const idle = samples.findLastIndex(({ final }) => final === 0);
  const first = samples[Math.max(0, idle)] ?? last;
  const endMs = Math.max(last.atMs, nowMs - GRACE_MS);
  if (last.final > first.final && endMs - first.atMs >= SHORTEST_MS) {
    return ((last.final - first.final) * 1_000) / (endMs - first.atMs);
  }
  const sinceStartMs = nowMs - startsAtMs;
  return sinceStartMs >= SHORTEST_MS ? (last.final * 1_000) / sinceStartMs : null;
}

/** How long the rest takes at this rate, ms; `null` where that cannot be told. */
export function restMs(counts: Counts, perSecond: number | null): number | null {
  const { total, final } = totalsOf(counts);
  return perSecond === null || perSecond <= 0 ? null : ((total - final) * 1_000) / perSecond;
}

/** A rate as people say it: `48 per second`, `2.5 per second`, `12 per minute`. */
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

/** How long something will still take, as people say it: `about 40 s left`. Rounded up to one whole unit. */
export function leftText(ms: number): string {
  // From a little more than one of the larger unit on, the smaller one says more than anybody can know.
  const unit = UNITS.find((candidate) => ms > candidate.ms * 1.5) ?? UNITS[2];
  return `about ${Math.max(1, Math.ceil(ms / unit.ms))} ${unit.name} left`;
}

function trimmed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
