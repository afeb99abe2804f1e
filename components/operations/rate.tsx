'use client';

import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import { leftText, ratePerSecond, rateText, restMs } from '@/lib/operations/record/rate';

/** How fast an operation goes and how long it will take, or that the service has asked for patience. */
export function RateLimiter({ view, nowMs }: { view: OperationView; nowMs: number }) {
  const text = paceText(view, nowMs, operationProgress().clock.at(nowMs));
  return text === null ? null : <span className="whitespace-nowrap text-ink-3">{text}</span>;
}

function paceText(
  { operation, samples, heldUntilMs }: OperationView,
  nowMs: number,
  serverNowMs: number,
): string | null {
  if (operation.state === 'finished' || operation.cancelledAtMs !== null) return null;
  const holdMs = (heldUntilMs ?? 0) - serverNowMs;
  if (holdMs > 0) return `paced down: waiting ${Math.ceil(holdMs / 1_000)} s, as the service asked`;
  const startsAtMs = operation.startsAtMs + (nowMs - serverNowMs);
  const perSecond = ratePerSecond(samples, { startsAtMs, nowMs });
  const leftMs = restMs(operation.counts, perSecond);
  return perSecond === null || leftMs === null ? null : `${rateText(perSecond)}, ${leftText(leftMs)}`;
}
