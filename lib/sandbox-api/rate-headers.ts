/** The headers with which an answer says how many requests are left and when to come back. */
export type LimitHeaders = {
  retryAfter: string | null;
  /** `RateLimit-Remaining` and `RateLimit-Reset` (docs/protocol.md#rate-limits). */
  remaining: string | null;
  reset: string | null;
  /** The `Date` header: the service's clock. */
  date: string | null;
};

/** Statuses with which a service asks for a pause. */
const ASKS_TO_WAIT: ReadonlySet<number> = new Set([429, 503]);

/**
 * How long the service wants us to wait, ms, and whether a limit of requests is the reason. `Retry-After` decides. Without
 * it, a 429 or 503 with no requests left names the time in `RateLimit-Reset`.
 */
export function delayOf(
  status: number,
  { retryAfter, remaining, reset, date }: LimitHeaders,
): { retryAfterMs: number | undefined; isLimited: boolean } {
  const serviceNowMs = Date.parse(date ?? '');
  const askedMs = parseRetryAfter(retryAfter, serviceNowMs);
  if (askedMs !== undefined) return { retryAfterMs: askedMs, isLimited: true };
  const resetMs = ASKS_TO_WAIT.has(status) ? parseReset(reset, serviceNowMs) : undefined;
  // Requests that are left mean that something else is used up.
  if (resetMs === undefined || (remaining !== null && Number(remaining) > 0))
    return { retryAfterMs: undefined, isLimited: false };
  return { retryAfterMs: resetMs, isLimited: true };
}

const SECONDS = /^\s*(\d{1,10})\s*$/;
const HTTP_DATE = /^\s*[A-Za-z]{3,9},? .*\d\d:\d\d:\d\d/;

/**
 * Parses `Retry-After`, which is in seconds or an HTTP date, to ms. A date is on the service's clock, `serviceNowMs`, if the
 * answer shows it. Text that is neither, and a time that is over, is 0: the service wants another try, but not when.
 */
export function parseRetryAfter(text: string | null, serviceNowMs: number): number | undefined {
  if (text === null) return undefined;
  const seconds = SECONDS.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1_000;
  const atMs = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return 0;
  return Math.max(0, atMs - nowOf(serviceNowMs));
}

/** Larger numbers are times, in seconds since 1970, as some services send them. */
const FIRST_EPOCH_S = 1_000_000_000;

/** Parses `RateLimit-Reset`, which is in seconds from now, to ms. `undefined` if it is not a number. */
function parseReset(text: string | null, serviceNowMs: number): number | undefined {
  const seconds = SECONDS.exec(text ?? '')?.[1];
  if (seconds === undefined) return undefined;
  const resetS = Number(seconds);
  if (resetS < FIRST_EPOCH_S) return resetS * 1_000;
  return Math.max(0, resetS * 1_000 - nowOf(serviceNowMs));
}

function nowOf(serviceNowMs: number): number {
  return Number.isNaN(serviceNowMs) ? Date.now() : serviceNowMs;
}
