import 'server-only';
import { config } from '../../config';
import type { SandkeeperError } from '../../errors';

/** A longer wait is interrupted by another try at these intervals, because its reason may end early. */
const PROBE_EVERY_MS = 60_000;
const MAX_GROWTH = 300;

/**
 * How long to wait after a refusal of one sandbox that says when to come back, and the text for it. Refusals in a row lengthen
 * the wait, so that a service which always names a short time is not asked without end.
 */
export function describeWait(
  { retryAfterMs = 0, words }: SandkeeperError,
  refusals: number,
): { waitMs: number; text: string } {
  const { retryMs } = config().timing;
  const backoffMs = Math.min(retryMs * 2 ** refusals, retryMs * MAX_GROWTH, PROBE_EVERY_MS);
  const isAsked = retryAfterMs >= backoffMs;
  const askedMs = retryAfterMs + (Math.random() * backoffMs) / 2;
  const waitMs = Math.min(PROBE_EVERY_MS, isAsked ? askedMs : backoffMs * (0.5 + Math.random() / 2));
  const said = words === undefined ? '' : `: “${words}”`;
  const text =
    isAsked && retryAfterMs > PROBE_EVERY_MS
      ? `The service asked to wait ${longSpan(retryAfterMs)}${said}. It is asked again every minute.`
      : `Waiting ${seconds(waitMs)}${isAsked ? ', as the service asked' : ''}${said}.`;
  return { waitMs, text };
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1_000))} s`;
}

function longSpan(ms: number): string {
  return ms < 2 * 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
