'use client';

import { type ReactNode, useMemo, useState } from 'react';
import { toast } from 'sonner';
import type { ActHandlers } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import { loadWhenWanted } from '@/components/ui/lazy';
import { operate } from '@/lib/operations/actions';
import { operationProgress } from '@/lib/operations/progress';
import type { Operation, OperationItem } from '@/lib/operations/schema';
import type { Result } from '@/lib/result';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';

// What a dialog is made of is fetched when the first one opens, or when somebody comes near.
const KillDialog = loadWhenWanted(
  async () => (await import('./kill-dialog')).KillDialog,
  ({ sandbox }) => sandbox !== null,
);
const TimeLeftDialog = loadWhenWanted(
  async () => (await import('./time-left-dialog')).TimeLeftDialog,
  ({ sandbox }) => sandbox !== null,
);

/** Fetches the dialogs ahead, when somebody comes near the acts. */
export function preloadActs(): void {
  LazyMenu.preload();
  KillDialog.preload();
}

/** Long enough to look around, short enough not to be forgotten. */
const RESUME_FOR_MS = 15 * 60_000;

const DONE = {
  kill: 'Killed',
  pause: 'Paused',
  resume: 'Resumed for 15 min',
  setTimeout: 'Set the time left of',
} satisfies Record<SandboxAct, string>;

/** What follows from an act that its name does not say. */
const AFTERWARDS = {
  kill: null,
  pause: null,
  resume: 'Then it pauses or is killed, as it was created to be.',
  setTimeout: null,
} satisfies Record<SandboxAct, string | null>;

const NOT_DONE = {
  kill: 'Could not kill',
  pause: 'Could not pause',
  resume: 'Could not resume',
  setTimeout: 'Could not set the time left of',
} satisfies Record<SandboxAct, string>;

/** The acts on a sandbox, with the dialogs that some of them need; render `dialogs` once. */
export function useActs(filter = ''): { handlers: ActHandlers; dialogs: ReactNode; isOpen: boolean } {
  const [toKill, setToKill] = useState<Sandbox | null>(null);
  const [toExtend, setToExtend] = useState<Sandbox | null>(null);
  const handlers = useMemo<ActHandlers>(
    () => ({
      onKill: setToKill,
      onPause: ({ id }) => void begin(operate({ act: 'pause', sandboxId: id }), 'pause', id),
      onResume: ({ id }) =>
        void begin(operate({ act: 'resume', sandboxId: id, timeoutMs: RESUME_FOR_MS }), 'resume', id),
      onSetTimeout: setToExtend,
    }),
    [],
  );
  const dialogs = (
    <>
      <KillDialog
        sandbox={toKill}
        filter={filter}
        onClose={() => setToKill(null)}
        onPauseInstead={handlers.onPause}
        onStarted={(operation, id) => follow(operation, id)}
      />
      <TimeLeftDialog
        sandbox={toExtend}
        onClose={() => setToExtend(null)}
        onChoose={({ id }, timeoutMs) =>
          void begin(operate({ act: 'setTimeout', sandboxId: id, timeoutMs }), 'setTimeout', id)
        }
      />
    </>
  );
  return { handlers, dialogs, isOpen: toKill !== null || toExtend !== null };
}

async function begin(answer: Promise<Result<Operation>>, act: SandboxAct, id: string): Promise<void> {
  const result = await answer.catch(() => null);
  if (result?.ok) follow(result.value, id);
  else
    toast.error(`${NOT_DONE[act]} ${id}`, {
      description: result?.error.message ?? 'The server could not be reached.',
    });
}

/** Says how it ended, once that has been verified. */
function follow(operation: Operation, id: string): void {
  operationProgress().whenFinished(operation.id, ({ act }, items) => {
    const item = items.find(({ sandboxId }) => sandboxId === id);
    if (item) tell(act, item);
  });
}

function tell(act: SandboxAct, { sandboxId, outcome, message }: OperationItem): void {
  const description = message ?? (outcome === 'done' ? AFTERWARDS[act] : null);
  const detail = description === null ? {} : { description };
  if (outcome === 'done') toast.success(`${DONE[act]} ${sandboxId}`, detail);
  else if (outcome === 'already')
    toast.message(act === 'kill' ? `${sandboxId} was already terminated` : sandboxId, detail);
  else {
    const title = outcome === 'unknown' ? 'Not known what became of' : NOT_DONE[act];
    toast.error(`${title} ${sandboxId}`, { ...detail, duration: 15_000 });
  }
}
