'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { MetadataChips } from '@/components/sandbox/metadata-chips';
import { StateBadge } from '@/components/sandbox/state-badge';
import { Age } from '@/components/sandbox/time-left';
import { Button } from '@/components/ui/button';
import { ConfirmDialog } from '@/components/ui/dialog';
import { planKill, startPlan } from '@/lib/operations/actions';
import { MOST_FILTER_CHARS, type Operation, type OperationPlan } from '@/lib/operations/schema';
import { sandboxCan } from '@/lib/sandbox/can';
import { templateName } from '@/lib/sandbox/name';
import type { Sandbox } from '@/lib/sandbox/schema';

type Props = {
  /** Whom to kill; `null` while nobody is asking. */
  sandbox: Sandbox | null;
  /** The filter on screen, for the record. */
  filter: string;
  onClose: () => void;
  onPauseInstead: (sandbox: Sandbox) => void;
  onStarted: (operation: Operation, sandboxId: string) => void;
};

type Phase = 'checking' | 'ready' | 'starting' | 'gone' | 'failed';

/** Asks before a kill. What it shows has just been read, and exactly that is what the button starts. */
export function KillDialog({ sandbox, filter, onClose, onPauseInstead, onStarted }: Props) {
  // The last one stays drawn while the dialog fades out.
  const [shown, setShown] = useState(sandbox);
  if (sandbox !== null && sandbox !== shown) setShown(sandbox);
  const cancel = useRef<HTMLButtonElement>(null);
  const { plan, phase, message, start } = useKillPlan(sandbox, filter, { onStarted, onClose });
  if (shown === null) return null;
  const current = plan?.targets[0] ?? shown;
  return (
    <ConfirmDialog
      open={sandbox !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      initialFocus={cancel}
      title={
        <>
          Kill sandbox <span className="font-mono">{shown.id}</span>
        </>
      }
      description="All running processes end, the filesystem is deleted, connections close, the id becomes invalid. This cannot be undone."
      footer={
        <>
          {sandboxCan(current.state, 'pause') && phase !== 'gone' && phase !== 'starting' ? (
            <Button
              tone="quiet"
              className="-ml-3 mr-auto"
              onClick={() => {
                onPauseInstead(current);
                onClose();
              }}
            >
              Pause instead
            </Button>
          ) : null}
          <Button ref={cancel} onClick={onClose} className="focus:ring-2 focus:ring-accent/40">
            {phase === 'gone' || phase === 'starting' ? 'Close' : 'Cancel'}
          </Button>
          {phase === 'gone' ? null : (
            <Button tone="danger" disabled={phase !== 'ready'} onClick={start}>
              {phase === 'checking' ? 'Checking…' : phase === 'starting' ? 'Killing…' : 'Kill sandbox'}
            </Button>
          )}
        </>
      }
    >
      <Facts sandbox={current} />
      {message ? (
        <p role="alert" className="rounded-md border border-line bg-paused-soft px-3 py-2">
          {message}
        </p>
      ) : null}
    </ConfirmDialog>
  );
}

function Facts({ sandbox }: { sandbox: Sandbox }) {
  const keys = Object.keys(sandbox.metadata).length;
  return (
    <dl className="grid grid-cols-[88px_1fr] gap-y-2 rounded-md border border-line px-4 py-3 [&>dt]:text-ink-3">
      <dt>State</dt>
      <dd>
        <StateBadge state={sandbox.state} />
      </dd>
      <dt>Template</dt>
      <dd className="truncate">
        <bdi>{templateName(sandbox)}</bdi>
      </dd>
      <dt>Age</dt>
      <dd>
        <Age sinceMs={sandbox.startedAtMs} nowMs={sandbox.startedAtMs} />
      </dd>
      <dt>Metadata</dt>
      <dd className="flex max-h-40 flex-wrap gap-1.5 overflow-y-auto pt-px">
        {keys === 0 ? (
          <span className="text-ink-3">none</span>
        ) : (
          <MetadataChips metadata={sandbox.metadata} />
        )}
      </dd>
    </dl>
  );
}

/** Reads the sandbox afresh when the dialog opens, and again when it turned out to have changed. */
function useKillPlan(
  sandbox: Sandbox | null,
  filter: string,
  { onStarted, onClose }: Pick<Props, 'onStarted' | 'onClose'>,
) {
  const [plan, setPlan] = useState<OperationPlan | null>(null);
  /** Whose state the three others are: what was learnt of one sandbox must not be shown, or started, for another. */
  const [learntOf, setLearntOf] = useState<string | null>(null);
  const [phase, setPhase] = useState<Phase>('checking');
  const [message, setMessage] = useState<string | null>(null);
  const sandboxId = sandbox?.id ?? null;
  const asked = useRef<string | null>(null);

  const look = useCallback(async (id: string, because: string | null) => {
    setPhase('checking');
    setMessage(because);
    const result = await planKill({ sandboxId: id }).catch(() => null);
    if (asked.current !== id) return;
    if (!result?.ok) {
      setPhase('failed');
      setMessage(result?.error.message ?? 'The server could not be reached. Nothing was killed.');
    } else if (result.value.targets.length === 0) {
      setPhase('gone');
      setMessage('This sandbox is already terminated. There is nothing left to kill.');
    } else {
      setPlan(result.value);
      setPhase('ready');
    }
  }, []);

  // The server is the external system: it is asked once for each opening.
  useEffect(() => {
    asked.current = sandboxId;
    setLearntOf(sandboxId);
    setPlan(null);
    if (sandboxId !== null) void look(sandboxId, null);
  }, [sandboxId, look]);

  async function start() {
    if (plan === null || sandboxId === null) return;
    setPhase('starting');
    // It is there for the record and must not stand in the way of a kill.
    const record = filter.slice(0, MOST_FILTER_CHARS);
    const result = await startPlan({ token: plan.token, filter: record }).catch(() => null);
    // Closing the dialog does not take back what was started: how it ends is said all the same.
    if (result?.ok) onStarted(result.value, sandboxId);
    if (asked.current !== sandboxId) return;
    if (result?.ok) onClose();
    else if (result?.error.code === 'conflict') await look(sandboxId, result.error.message);
    else {
      setPhase('ready');
      setMessage(
        result?.error.message ??
          'The server could not be reached. Whether the kill was started is not known.',
      );
    }
  }

  // While the dialog fades out, nobody is asking and it stays as it was.
  const isCurrent = sandboxId === null || learntOf === sandboxId;
  if (!isCurrent) return { plan: null, phase: 'checking' as const, message: null, start: () => {} };
  return { plan, phase, message, start: () => void start() };
}
