import type { ErrorCode } from '../errors';
import type { FleetStatus } from './delta';

/** Longer than the longest interval between two readings plus the duration of one. */
const STALE_AFTER_MS = 30_000;

/** How current a list is. `old` has no error: a service that hangs reports none. */
export type Currency = 'loading' | 'current' | 'old' | 'failing';

export function currencyOf({ asOfMs, problem }: FleetStatus, nowMs: number): Currency {
  if (problem !== null) return 'failing';
  if (asOfMs === null) return 'loading';
  return nowMs - asOfMs > STALE_AFTER_MS ? 'old' : 'current';
}

/** The short form of a problem, for a line with several connections. The banner has the whole sentence. */
const PROBLEMS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'key refused',
  forbidden: 'key refused',
  unavailable: 'API unreachable',
  timeout: 'API does not answer',
  rate_limited: 'API limits requests',
};

/** `as of 4s ago`, `as of 40s ago, API unreachable`, `not read yet, key refused`, `loading…`. `formatAge` formats ms. */
export function statusWords(
  { asOfMs, problem }: FleetStatus,
  nowMs: number,
  formatAge: (ms: number) => string,
): string {
  const reason = problem === null ? null : (PROBLEMS[problem.code] ?? 'API failing');
  if (asOfMs === null) return reason === null ? 'loading…' : `not read yet, ${reason}`;
  const age = `as of ${formatAge(Math.max(1_000, nowMs - asOfMs))} ago`;
  return reason === null ? age : `${age}, ${reason}`;
}
