'use client';

import { clsx } from 'clsx';
import { useServiceNow } from '@/components/ui/clock';
import { formatDuration, formatSpan } from '@/components/ui/duration';
import { losesTime, timeGained } from '@/lib/operations/plan/time-left';
import type { ActParams } from '@/lib/operations/schema';
import type { Sandbox } from '@/lib/sandbox/schema';
import { connectionOf } from '@/lib/sandbox-key';

type TimeParams = Pick<ActParams, 'timeoutMs' | 'addMs'>;
const MIN_MS = 60_000;

type Props = {
  sandbox: Sandbox;
  params: TimeParams;
  /** Whether the sandbox is left as it is. */
  isKept: boolean;
};

/** What one sandbox gains or loses: `5m 00s → 15m 00s, +10 min`. */
export function TimeChange({ sandbox, params, isKept }: Props) {
  const { endAtMs } = sandbox;
  const connection = connectionOf(sandbox.key);
  const left = useServiceNow(
    connection,
    (nowMs) => (endAtMs === null ? 'unknown' : `${formatDuration(endAtMs - nowMs)} left`),
    endAtMs ?? 0,
  );
  const text = useServiceNow(
    connection,
    (nowMs) => changeText(timeGained(sandbox, params, nowMs)),
    endAtMs ?? 0,
  );
  const isLoss = useServiceNow(connection, (nowMs) => losesTime(sandbox, params, nowMs), endAtMs ?? 0);
  return (
    <span className="whitespace-nowrap">
      <span className="text-ink-3 max-sm:hidden">{left}</span>{' '}
      <span
        className={clsx(
          'inline-block min-w-18 text-right',
          isKept ? 'text-ink-3' : isLoss && 'font-semibold text-ink',
        )}
      >
        {isKept ? 'not changed' : text}
      </span>
    </span>
  );
}

/** `+10 min`, `−45 min`, `same`. */
export function changeText(gainedMs: number | null): string {
  if (gainedMs === null) return 'unknown';
  const minutes = Math.round(gainedMs / MIN_MS);
  if (minutes === 0) return 'same';
  return `${minutes > 0 ? '+' : '−'}${formatSpan(Math.abs(minutes) * MIN_MS)}`;
}
