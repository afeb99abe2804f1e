'use client';

import { useState } from 'react';
import { useSharedLacking } from '@/components/data/use-fleet';
import { CopyAsCode } from '@/components/operations/copy-as-code';
import { roleForbids } from '@/components/sandbox/sandbox-acts';
import { Button } from '@/components/ui/button';
import { toast } from '@/components/ui/toast';
import { type Answer, answerOf } from '@/lib/answer';
import { cancelOperation, checkAgain } from '@/lib/operations/actions';
import { type Counts, mayRetry, OUTCOMES, type RecordedItem } from '@/lib/operations/schema';
import { type Role, roleSuffices } from '@/lib/roles';
import type { SandboxAct } from '@/lib/sandbox/can';
import { serviceCannot } from '@/lib/sandbox/capabilities';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CopyOrDownload } from './copy-or-download';
import { usePhase } from './operation-status';
import type { OperationNow } from './use-operation';

type Props = {
  now: OperationNow;
  role: Role;
  /** The items that can be retried, and the selected ones of these. */
  failed: readonly RecordedItem[];
  selected: readonly RecordedItem[];
  nowMs: number;
  onRetry: (sandboxes: Sandbox[]) => void;
};

export function OperationActions({ now, role, failed, selected, nowMs, onRetry }: Props) {
  const { operation, items, isWhole } = now;
  const { act, counts } = operation;
  const mayOperate = roleSuffices(role, 'operator') ? null : 'Requires the operator role.';
  const retried = selected.length > 0 ? selected : failed;
  const lacking = useSharedLacking(retried.map(({ sandbox }) => sandbox.key));
  const count = selected.length > 0 ? selected.length : countRetryable(act, counts);
  const retryUnavailable =
    roleForbids(role, act) ??
    serviceCannot(lacking, act) ??
    (isWhole ? null : 'Still loading the sandboxes.');
  const recheckUnavailable =
    mayOperate ??
    (act === 'run' ? 'The outcome of a command cannot be rechecked. Check the sandbox itself.' : null);
  const recheck = usePending('Could not recheck the outcomes');
  return (
    <div className="flex flex-wrap items-center gap-2">
      <CopyAsCode
        act={act}
        params={operation.params}
        keys={isWhole ? items.map(({ sandboxKey }) => sandboxKey) : []}
      />
      <CopyOrDownload operation={operation} items={items} isWhole={isWhole} />
      {counts.unknown > 0 ? (
        <Button
          unavailable={recheckUnavailable}
          isBusy={recheck.isPending}
          title="Recheck unknown outcomes"
          onClick={() =>
            void recheck.run(() => answerOf(checkAgain({ operationId: operation.id })), now.reread)
          }
        >
          {recheck.isPending ? 'Checking…' : 'Recheck'}
        </Button>
      ) : null}
      {count > 0 ? (
        <Button unavailable={retryUnavailable} onClick={() => onRetry(retried.map(({ sandbox }) => sandbox))}>
          Retry {count} {selected.length > 0 ? 'selected' : 'failed'}
          {act === 'kill' || act === 'run' ? '…' : ''}
        </Button>
      ) : null}
      <StopButton now={now} forbidden={mayOperate} nowMs={nowMs} />
    </div>
  );
}

function countRetryable(act: SandboxAct, counts: Counts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + (mayRetry(act, outcome) ? counts[outcome] : 0), 0);
}

const STOP_HINTS = {
  kill: 'Sends no further requests',
  pause: 'Sends no further requests',
  resume: 'Sends no further requests',
  setTimeout: 'Sends no further requests',
  run: 'Starts no further commands and kills running ones (SIGKILL)',
} satisfies Record<SandboxAct, string>;

type StopProps = { now: OperationNow; forbidden: string | null; nowMs: number };

function StopButton({ now: { operation, reread }, forbidden, nowMs }: StopProps) {
  const { phase } = usePhase(operation, nowMs);
  const stop = usePending('Could not stop the operation');
  if (phase === 'ended') return null;
  const isStopping = stop.isPending || phase === 'stopping';
  return (
    <Button
      unavailable={forbidden}
      isBusy={isStopping}
      title={STOP_HINTS[operation.act]}
      onClick={() => void stop.run(() => answerOf(cancelOperation({ operationId: operation.id })), reread)}
    >
      {isStopping ? 'Stopping…' : phase === 'window' ? 'Cancel' : 'Stop the rest'}
    </Button>
  );
}

/** Runs a server action with a pending state, and shows a toast if it fails. */
function usePending(failure: string) {
  const [isPending, setIsPending] = useState(false);
  async function run(action: () => Promise<Answer<null> | null>, onDone: () => void): Promise<void> {
    setIsPending(true);
    const result = await action();
    setIsPending(false);
    if (result?.ok) onDone();
    else toast.error(failure, { description: result?.error.message ?? 'The server could not be reached.' });
  }
  return { isPending, run };
}
