'use client';

import { RateLimiter } from '@/components/operations/rate';
import { type Phase, phaseOf } from '@/components/operations/tray-entries';
import { useNow } from '@/components/ui/clock';
import { formatTook } from '@/components/ui/duration';
import { LocalTime } from '@/components/ui/local-time';
import { useTick } from '@/components/ui/tick';
import { type OperationView, operationProgress } from '@/lib/operations/record/progress';
import type { Operation } from '@/lib/operations/schema';

/** The phase of an operation, and in the time in which it can be called off, how many seconds that still is. */
export function usePhase(operation: Operation, nowMs: number): { phase: Phase; startsInS: number } {
  const phase = useServerNow((serverNowMs) => phaseOf(operation, serverNowMs), nowMs);
  const startsInS = useServerNow(
    (serverNowMs) => Math.max(1, Math.ceil((operation.startsAtMs - serverNowMs) / 1_000)),
    nowMs,
  );
  return { phase, startsInS };
}

/** `useNow` by the server's clock, as far as this browser knows it; `madeAtMs` is when the page was made. */
export function useServerNow<T extends string | number | boolean | null>(
  derive: (serverNowMs: number) => T,
  madeAtMs: number,
): T {
  return useNow(derive, madeAtMs, (browserMs) => operationProgress().clock.at(browserMs));
}

type Props = { operation: Operation; view: OperationView | undefined; nowMs: number };

/** How it goes, or how it ended, in a few words. */
export function OperationStatus({ operation, view, nowMs }: Props) {
  const { phase, startsInS } = usePhase(operation, nowMs);
  return (
    <p className="text-ink-2">
      {phase === 'window' ? `Begins in ${startsInS} s. Nothing has been sent yet.` : null}
      {phase === 'running' && view ? <RunningRate view={view} /> : null}
      <Stopped operation={operation} />
      {phase === 'stopping' ? ' Waiting for what had been sent already.' : null}
      <Took operation={operation} />
    </p>
  );
}

const PACE_TICK_MS = 500;

function RunningRate({ view }: { view: OperationView }) {
  return <RateLimiter view={view} nowMs={useTick(PACE_TICK_MS)} />;
}

function Stopped({ operation: { cancelledAtMs, cancelledBy, startsAtMs } }: { operation: Operation }) {
  if (cancelledAtMs === null) return null;
  return (
    <>
      {cancelledAtMs < startsAtMs ? 'Cancelled' : 'Stopped'} by <bdi>{cancelledBy}</bdi> at{' '}
      <LocalTime ms={cancelledAtMs} isShort />
      {cancelledAtMs < startsAtMs ? ', before anything was sent.' : '.'}
    </>
  );
}

function Took({ operation: { finishedAtMs, startsAtMs } }: { operation: Operation }) {
  if (finishedAtMs === null || finishedAtMs <= startsAtMs) return null;
  return <> Took {formatTook(finishedAtMs - startsAtMs)}.</>;
}
