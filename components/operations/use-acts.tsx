'use client';

import { useRouter } from 'next/navigation';
import { type ReactNode, useMemo, useState } from 'react';
import { toast } from 'sonner';
import type { ActHandlers } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import { loadWhenWanted } from '@/components/ui/lazy';
import { operate } from '@/lib/operations/actions';
import { MAX_FILTER_CHARS, type Operation, type Started } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import type { Result } from '@/lib/result';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { CommandRequest } from './command-dialog';
import type { KillRequest } from './kill-dialog';

// What a dialog is made of is fetched when the first one opens, or when somebody comes near.
const KillDialog = loadWhenWanted(
  async () => (await import('./kill-dialog')).KillDialog,
  ({ request }) => request !== null,
);
const ResumeDialog = loadWhenWanted(
  async () => (await import('./resume-dialog')).ResumeDialog,
  ({ sandboxes }) => sandboxes !== null,
);
const TimeLeftDialog = loadWhenWanted(
  async () => (await import('./time-left-dialog')).TimeLeftDialog,
  ({ sandboxes }) => sandboxes !== null,
);

const CommandDialog = loadWhenWanted(
  async () => (await import('./command-dialog')).CommandDialog,
  ({ request }) => request !== null,
);

const loadToasts = () => import('./act-toasts');

/** Fetches the dialogs and what is said afterwards ahead, when somebody comes near the acts. */
export function preloadActs(): void {
  LazyMenu.preload();
  KillDialog.preload();
  loadToasts().catch(() => {});
}

/** What doing an act again needs to know of the operation that did it before. */
export type Earlier = Pick<Operation, 'id' | 'act' | 'params'>;

export type Acts = {
  handlers: ActHandlers;
  /**
   * Does the act of `earlier` again, with its options, to exactly `sandboxes` (as they were recorded will do: the server
   * reads them afresh). The new operation is recorded as a retry of `earlier`. A kill asks first, as every kill does;
   * the rest starts at once.
   */
  onRetry: (earlier: Earlier, sandboxes: readonly Sandbox[]) => void;
  /** Render once. */
  dialogs: ReactNode;
  /** Whether a dialog is open, so that what is behind it had better stand still. */
  isOpen: boolean;
};

/**
 * The acts on one sandbox or many, with the dialogs that some of them need. `filter` is what is on screen, for the
 * record. Rows, the sandbox page, the dock, the palette and the record of operations all go through here:
 *
 * ```tsx
 * const { handlers, onRetry, dialogs } = useActs(filter);
 * <Button onClick={() => handlers.onKill(selected)}>Kill 37…</Button>
 * <Button onClick={() => onRetry(operation, failed)}>Retry failed</Button>
 * {dialogs}
 * ```
 *
 * Whom an act is for is settled at the moment of the call: what matches a filter later is not added, and what goes
 * meanwhile is left out by the server, which says so. Calling a handler with nobody does nothing.
 */
export function useActs(filter = ''): Acts {
  const [toKill, setToKill] = useState<KillRequest | null>(null);
  const [toResume, setToResume] = useState<readonly Sandbox[] | null>(null);
  const [toExtend, setToExtend] = useState<readonly Sandbox[] | null>(null);
  const [toRun, setToRun] = useState<CommandRequest | null>(null);
  const router = useRouter();
  const { handlers, onRetry, doNow } = useMemo(() => {
    const doNow = (input: Input, sandboxes: readonly Sandbox[]) => {
      const sandboxIds = sandboxes.map(({ id }) => id);
      // It is there for the record and must not stand in the way of an act.
      const record = filter.slice(0, MAX_FILTER_CHARS);
      void follow(operate({ ...input, sandboxIds, filter: record }), input.act, sandboxes);
    };
    const handlers: ActHandlers = {
      onKill: unlessNobody((sandboxes) =>
        setToKill({ sandboxes, graceMs: null, exportPath: null, retryOf: null }),
      ),
      onPause: unlessNobody((sandboxes) => doNow({ act: 'pause' }, sandboxes)),
      onResume: unlessNobody(setToResume),
      onSetTimeout: unlessNobody(setToExtend),
      onRun: unlessNobody((sandboxes) => {
        const [only] = sandboxes;
        if (sandboxes.length === 1 && only) router.push(paths.sandboxRun(only.id));
        else setToRun({ sandboxes, again: null });
      }),
    };
    const onRetry: Acts['onRetry'] = ({ id, act, params }, sandboxes) => {
      if (sandboxes.length === 0) return;
      const again = {
        kill: () =>
          setToKill({
            sandboxes,
            graceMs: params.graceMs ?? null,
            exportPath: params.exportPath ?? null,
            retryOf: id,
          }),
        pause: () => doNow({ act: 'pause', retryOf: id }, sandboxes),
        resume: () =>
          doNow({ act: 'resume', retryOf: id, ...timeOf(params), ...endingOf(params) }, sandboxes),
        run: () => setToRun({ sandboxes, again: { id, params } }),
        setTimeout: () => doNow({ act: 'setTimeout', retryOf: id, ...timeOf(params) }, sandboxes),
      } satisfies Record<SandboxAct, () => void>;
      again[act]();
    };
    return { handlers, onRetry, doNow };
  }, [filter, router]);
  const dialogs = (
    <>
      <KillDialog
        request={toKill}
        filter={filter}
        onClose={() => setToKill(null)}
        onPauseInstead={handlers.onPause}
        onStarted={(operation) =>
          // Where this cannot be fetched, the tray says it all the same.
          void loadToasts().then(
            ({ followOperation }) => followOperation(operation),
            () => {},
          )
        }
      />
      <ResumeDialog
        sandboxes={toResume}
        onClose={() => setToResume(null)}
        onChoose={(sandboxes, params) => doNow({ act: 'resume', ...params }, sandboxes)}
      />
      <CommandDialog
        request={toRun}
        filter={filter}
        onClose={() => setToRun(null)}
        onStarted={(operation) => router.push(paths.operation(operation.id))}
      />
      <TimeLeftDialog
        sandboxes={toExtend}
        onClose={() => setToExtend(null)}
        onChoose={(sandboxes, timeoutMs) => doNow({ act: 'setTimeout', timeoutMs }, sandboxes)}
      />
    </>
  );
  const isOpen = toKill !== null || toResume !== null || toExtend !== null || toRun !== null;
  return { handlers, onRetry, dialogs, isOpen };
}

/** Lets a sandbox go on for `timeoutMs` from now, without asking further, and says what comes of it. */
export function giveTime(sandbox: Sandbox, timeoutMs: number): Promise<void> {
  const input: OperateRequest = { act: 'setTimeout', timeoutMs, sandboxIds: [sandbox.id], filter: '' };
  return follow(operate(input), 'setTimeout', [sandbox]);
}

/** Says what comes of an act; where the words for that cannot be fetched, at least that it could not be started. */
async function follow(
  answer: Promise<Result<Started>>,
  act: SandboxAct,
  sandboxes: readonly Sandbox[],
): Promise<void> {
  const [words, result] = await Promise.all([loadToasts().catch(() => null), answer.catch(() => null)]);
  if (words !== null) words.followAct(result, act, sandboxes);
  else if (!result?.ok)
    toast.error('This could not be done', {
      description: result?.error.message ?? 'The server could not be reached.',
    });
}

type OperateRequest = Parameters<typeof operate>[0];
/** What to do, without to whom. */
type Input = OperateRequest extends infer Each
  ? Each extends OperateRequest
    ? Omit<Each, 'sandboxIds' | 'filter'>
    : never
  : never;

/** Records of acts that need a time have one; this is for those that somebody else has written. */
const USUAL_TIME_MS = 15 * 60_000;

function timeOf({ timeoutMs = USUAL_TIME_MS }: Operation['params']): { timeoutMs: number } {
  return { timeoutMs };
}

function endingOf({ autoPause }: Operation['params']): { autoPause?: boolean } {
  return autoPause === undefined ? {} : { autoPause };
}

function unlessNobody(act: (sandboxes: Sandbox[]) => void): (sandboxes: Sandbox[]) => void {
  return (sandboxes) => {
    if (sandboxes.length > 0) act(sandboxes);
  };
}
