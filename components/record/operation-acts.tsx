'use client';

import { useState } from 'react';
import { toast } from 'sonner';
import { CopyAsCode } from '@/components/operations/copy-as-code';
import { roleForbids } from '@/components/sandbox/sandbox-acts';
import { Button } from '@/components/ui/button';
import { type Role, roleSuffices } from '@/lib/access/roles';
import { cancelOperation, checkAgain } from '@/lib/operations/actions';
import { type Counts, mayRetry, OUTCOMES, type RecordedItem } from '@/lib/operations/schema';
import type { Result } from '@/lib/result';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { CopyOrDownload } from './copy-or-download';
import { usePhase } from './operation-status';
import type { OperationNow } from './use-operation';

type Props = {
  now: OperationNow;
  role: Role;
  /** Those that can be retried, and those of them that were chosen. */
  failed: readonly RecordedItem[];
  picked: readonly RecordedItem[];
  nowMs: number;
  onRetry: (sandboxes: Sandbox[]) => void;
};

/** What can be done about an operation. */
export function OperationActs({ now, role, failed, picked, nowMs, onRetry }: Props) {
  const { operation, items, isWhole } = now;
  const { act, counts } = operation;
  const mayOperate = roleSuffices(role, 'operator') ? null : 'This needs the role operator.';
  const retried = picked.length > 0 ? picked : failed;
  const count = picked.length > 0 ? picked.length : countRetried(act, counts);
  const whyNotRetry = roleForbids(role, act) ?? (isWhole ? null : 'The rest is still being read.');
  const whyNotCheck =
    mayOperate ?? (act === 'run' ? 'No reading tells what became of a command. Look in the sandbox.' : null);
  const check = usePending('The outcomes could not be checked');
  return (
    <div className="flex flex-wrap items-center gap-2">
      <CopyAsCode
        act={act}
        params={operation.params}
        ids={isWhole ? items.map(({ sandboxId }) => sandboxId) : []}
      />
      <CopyOrDownload operation={operation} items={items} isWhole={isWhole} />
      {counts.unknown > 0 ? (
        <Button
          unavailable={whyNotCheck}
          isBusy={check.isPending}
          title="Recheck unknown outcomes"
          onClick={() => void check.run(() => checkAgain({ operationId: operation.id }), now.reread)}
        >
          {check.isPending ? 'Checking…' : 'Check again'}
        </Button>
      ) : null}
      {count > 0 ? (
        <Button unavailable={whyNotRetry} onClick={() => onRetry(retried.map(({ sandbox }) => sandbox))}>
          Retry {count} {picked.length > 0 ? 'chosen' : 'failed'}
          {act === 'kill' || act === 'run' ? '…' : ''}
        </Button>
      ) : null}
      <StopButton now={now} forbidden={mayOperate} nowMs={nowMs} />
    </div>
  );
}

function countRetried(act: SandboxAct, counts: Counts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + (mayRetry(act, outcome) ? counts[outcome] : 0), 0);
}

/** What stopping does to what is on its way. */
const STOP_WORDS = {
  kill: 'Sends nothing more',
  pause: 'Sends nothing more',
  resume: 'Sends nothing more',
  setTimeout: 'Sends nothing more',
  run: 'Sends nothing more, and kills what runs (SIGKILL)',
} satisfies Record<SandboxAct, string>;

type StopProps = { now: OperationNow; forbidden: string | null; nowMs: number };

function StopButton({ now: { operation, reread }, forbidden, nowMs }: StopProps) {
  const { phase } = usePhase(operation, nowMs);
  const stop = usePending('It could not be stopped');
  if (phase === 'ended') return null;
  const isStopping = stop.isPending || phase === 'stopping';
  return (
    <Button
      unavailable={forbidden}
      isBusy={isStopping}
      title={STOP_WORDS[operation.act]}
      onClick={() => void stop.run(() => cancelOperation({ operationId: operation.id }), reread)}
    >
      {isStopping ? 'Stopping…' : phase === 'window' ? 'Cancel' : 'Stop the rest'}
    </Button>
  );
}

/** Runs an action, says when it fails, and whether it is under way. */
function usePending(failure: string) {
  const [isPending, setIsPending] = useState(false);
  async function run(action: () => Promise<Result<null>>, onDone: () => void): Promise<void> {
    setIsPending(true);
    const result = await action().catch(() => null);
    setIsPending(false);
    if (result?.ok) onDone();
    else toast.error(failure, { description: result?.error.message ?? 'The server could not be reached.' });
  }
  return { isPending, run };
}
