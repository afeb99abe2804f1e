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

/** A sandbox that loses time, and is left no more than this, ends because of it. */
const END_WITHIN_MS = 5 * 60_000;

/**
 * What a change of the time left amounts to when it ends a sandbox within `END_WITHIN_MS`: a kill, or a pause if its deadline
 * pauses it. `null`: it does not end it. A service that does not report what the deadline does is expected to kill.
 */
export function endingOf(
  shown: Timed & Pick<Sandbox, 'lifecycle'>,
  params: TimeParams,
  nowMs: number,
): 'kill' | 'pause' | null {
  if (params.addMs !== undefined || !losesTime(shown, params, nowMs)) return null;
  if (requestedDeadline(shown, params, nowMs) - nowMs > END_WITHIN_MS) return null;
  return shown.lifecycle?.onTimeout === 'pause' ? 'pause' : 'kill';
}

/** Whether a paused sandbox is resumed for less than `END_WITHIN_MS` and then killed. */
export function resumesToKill(
  { lifecycle }: Pick<Sandbox, 'lifecycle'>,
  { timeoutMs, autoPause }: Pick<ActParams, 'timeoutMs' | 'autoPause'>,
): boolean {
  if (timeoutMs === undefined || timeoutMs >= END_WITHIN_MS) return false;
  return !(autoPause ?? lifecycle?.onTimeout === 'pause');
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
