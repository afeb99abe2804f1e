import { MAX_TIMEOUT_MS } from '../../sandbox/limits';
import type { Sandbox } from '../../sandbox/schema';
import type { ActParams } from '../schema';

/** The service rounds deadlines, and a request takes a moment. A smaller difference is no change. */
export const DEADLINE_SLACK_MS = 5_000;

type Timed = Pick<Sandbox, 'endAtMs'>;
type TimeParams = Pick<ActParams, 'timeoutMs' | 'addMs'>;

/**
 * The deadline that a change of the time left asks for, epoch ms. With `addMs`, it is counted from the deadline that was
 * shown, so that a request sent twice adds the time once.
 */
export function requestedDeadline(shown: Timed, { timeoutMs = 0, addMs }: TimeParams, nowMs: number): number {
  if (addMs === undefined) return nowMs + timeoutMs;
  const fromMs = Math.max(shown.endAtMs ?? nowMs, nowMs);
  return Math.max(fromMs, Math.min(fromMs + addMs, nowMs + MAX_TIMEOUT_MS));
}

/** The time that a sandbox gains, ms. Negative: it loses time. `null`: the service does not report its deadline. */
export function timeGained(shown: Timed, params: TimeParams, nowMs: number): number | null {
  if (shown.endAtMs === null) return null;
  return requestedDeadline(shown, params, nowMs) - Math.max(shown.endAtMs, nowMs);
}

/** Whether a sandbox loses time, or may lose time because its deadline is not known. */
export function losesTime(shown: Timed, params: TimeParams, nowMs: number): boolean {
  const gained = timeGained(shown, params, nowMs);
  return gained === null || gained < -DEADLINE_SLACK_MS;
}

/**
 * Why a change of the time left is not sent: the deadline was moved to later since it was shown, so that the request would
 * take back time that the plan does not mention. `null`: send it.
 */
export function deadlineDrift(shown: Timed, now: Timed, params: TimeParams, nowMs: number): string | null {
  if (now.endAtMs === null) return null;
  const wasMoved = shown.endAtMs === null || now.endAtMs > shown.endAtMs + DEADLINE_SLACK_MS;
  const isTakenBack = requestedDeadline(shown, params, nowMs) < now.endAtMs - DEADLINE_SLACK_MS;
  return wasMoved && isTakenBack ? 'it was given more time in the meantime' : null;
}
