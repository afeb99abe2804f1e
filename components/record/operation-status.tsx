'use client';

import { useServerNow } from '@/components/data/use-operations';
import { OperationRate } from '@/components/operations/rate';
import { type Phase, phaseOf } from '@/components/operations/tray-entries';
import { formatTook } from '@/components/ui/duration';
import { LocalTime } from '@/components/ui/local-time';
import { useTick } from '@/components/ui/tick';
import { Visible } from '@/components/ui/visible-text';
import type { OperationView } from '@/lib/operations/record/progress';
import type { Operation } from '@/lib/operations/schema';

/** The phase of an operation, and the seconds until it starts. */
export function usePhase(operation: Operation, nowMs: number): { phase: Phase; startsInS: number } {
  const phase = useServerNow((serverNowMs) => phaseOf(operation, serverNowMs), nowMs);
  const startsInS = useServerNow(
    (serverNowMs) => Math.max(1, Math.ceil((operation.startsAtMs - serverNowMs) / 1_000)),
    nowMs,
  );
  return { phase, startsInS };
}

type Props = { operation: Operation; view: OperationView | undefined; nowMs: number };

export function OperationStatus({ operation, view, nowMs }: Props) {
  const { phase, startsInS } = usePhase(operation, nowMs);
  return (
    <p className="text-ink-2">
      {phase === 'window' ? `Starts in ${startsInS} s. No requests have been sent.` : null}
      {phase === 'running' && view ? <RunningRate view={view} /> : null}
      <Stopped operation={operation} />
      {phase === 'stopping' ? ' Waiting for requests that were already sent.' : null}
      <Took operation={operation} />
    </p>
  );
}

const TICK_MS = 500;

function RunningRate({ view }: { view: OperationView }) {
  return <OperationRate view={view} nowMs={useTick(TICK_MS)} />;
}

function Stopped({ operation }: { operation: Operation }) {
  const { cancelledAtMs, cancelledBy, cancelReason, startsAtMs } = operation;
  if (cancelledAtMs === null) return null;
  return (
    <>
      {cancelledAtMs < startsAtMs ? 'Cancelled' : 'Stopped'} by <Visible text={cancelledBy ?? ''} /> at{' '}
      <LocalTime ms={cancelledAtMs} isShort />
      {cancelledAtMs < startsAtMs ? ', before any request was sent' : null}
      {cancelReason === undefined ? null : (
        <>
          , because <Visible text={cancelReason} />
        </>
      )}
      .
    </>
  );
}

function Took({ operation: { finishedAtMs, startsAtMs } }: { operation: Operation }) {
  if (finishedAtMs === null || finishedAtMs <= startsAtMs) return null;
  return <> Took {formatTook(finishedAtMs - startsAtMs)}.</>;
}
