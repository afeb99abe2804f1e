'use client';

import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import { leftText, ratePerSecond, rateText, restMs } from '@/lib/operations/record/rate';

/** The rate and remaining time of an operation, or the wait that the service asked for. */
export function OperationRate({ view, nowMs }: { view: OperationView; nowMs: number }) {
  const text = describeRate(view, nowMs, operationProgress().clock.at(nowMs));
  return text === null ? null : <span className="whitespace-nowrap text-ink-3">{text}</span>;
}

function describeRate(
  { operation, samples, heldUntilMs }: OperationView,
  nowMs: number,
  serverNowMs: number,
): string | null {
  if (operation.state === 'finished' || operation.cancelledAtMs !== null) return null;
  const holdMs = (heldUntilMs ?? 0) - serverNowMs;
  if (holdMs > 0) return `rate limited by the service: waiting ${Math.ceil(holdMs / 1_000)} s`;
  const startsAtMs = operation.startsAtMs + (nowMs - serverNowMs);
  const perSecond = ratePerSecond(samples, { startsAtMs, nowMs });
  const leftMs = restMs(operation.counts, perSecond);
  return perSecond === null || leftMs === null ? null : `${rateText(perSecond)}, ${leftText(leftMs)}`;
}
