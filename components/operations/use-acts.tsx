'use client';

import { useRouter } from 'next/navigation';
import { type ReactNode, useMemo, useState } from 'react';
import { useAllLacking } from '@/components/data/use-fleet';
import type { ActHandlers } from '@/components/sandbox/sandbox-acts';
import { LazyMenu } from '@/components/ui/floating';
import { loadWhenWanted } from '@/components/ui/lazy';
import { toast } from '@/components/ui/toast';
import { type Answer, answerOf } from '@/lib/answer';
import { fleets, losingProcesses } from '@/lib/fleet/fleets';
import { unselectTaken } from '@/lib/fleet/selection';
import { fleetSelection } from '@/lib/fleet/selection-store';
import { operate, planRun, planTimeLeft, startRun, startTimeLeft } from '@/lib/operations/actions';
import { MAX_FILTER_CHARS, type Operation, type Started } from '@/lib/operations/schema';
import { paths } from '@/lib/paths';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import type { CommandRequest } from './command-dialog';
import type { KillRequest } from './kill-dialog';
import type { TimeLeftRequest } from './time-left-dialog';

// The code of a dialog is loaded when it first opens, or by `preloadActs`.
const KillDialog = loadWhenWanted(
  async () => (await import('./kill-dialog')).KillDialog,
  ({ request }) => request !== null,
  { holdsKeys: true },
);
const ResumeDialog = loadWhenWanted(
  async () => (await import('./resume-dialog')).ResumeDialog,
  ({ sandboxes }) => sandboxes !== null,
  { holdsKeys: true },
);
const PauseDialog = loadWhenWanted(
  async () => (await import('./pause-dialog')).PauseDialog,
  ({ sandboxes }) => sandboxes !== null,
  { holdsKeys: true },
);
const TimeLeftDialog = loadWhenWanted(
  async () => (await import('./time-left-dialog')).TimeLeftDialog,
  ({ request }) => request !== null,
  { holdsKeys: true },
);

const CommandDialog = loadWhenWanted(
  async () => (await import('./command-dialog')).CommandDialog,
  ({ request }) => request !== null,
  { holdsKeys: true },
);

const loadToasts = () => import('./act-toasts');

/** Preloads the menu, the kill dialog and the toasts. */
export function preloadActs(): void {
  LazyMenu.preload();
  KillDialog.preload();
  loadToasts().catch(() => {});
}

export type Earlier = Pick<Operation, 'id' | 'act' | 'params'>;

export type Acts = {
  handlers: ActHandlers;
  /**
   * Repeats the action of `earlier` with its options on exactly `sandboxes`, which may be outdated: the server reads them
   * again. Recorded as a retry of `earlier`. A kill, a
   * command and a change of the time left open their dialogs; other actions start at once.
   */
  onRetry: (earlier: Earlier, sandboxes: readonly Sandbox[]) => void;
  /** Render once. */
  dialogs: ReactNode;
  isOpen: boolean;
};

/**
 * The actions on one or more sandboxes, with their dialogs. `filter` is the filter on screen, for the record. Every part
 * of the interface that changes sandboxes uses this hook:
 *
 * ```tsx
 * const { handlers, onRetry, dialogs } = useActs(filter);
 * <Button onClick={() => handlers.onKill(selected)}>Kill 37…</Button>
 * <Button onClick={() => onRetry(operation, failed)}>Retry failed</Button>
 * {dialogs}
 * ```
 *
 * The call fixes the set of sandboxes: those that match a filter later are not added, and the server skips those that are
 * gone. Calling a handler with no sandboxes does nothing.
 */
export function useActs(filter = ''): Acts {
  const [toKill, setToKill] = useState<KillRequest | null>(null);
  const [toPause, setToPause] = useState<{ sandboxes: readonly Sandbox[]; retryOf?: string } | null>(null);
  const [toResume, setToResume] = useState<readonly Sandbox[] | null>(null);
  const [toExtend, setToExtend] = useState<TimeLeftRequest | null>(null);
  const [toRun, setToRun] = useState<CommandRequest | null>(null);
  const router = useRouter();
  const lacking = useAllLacking();
  const { handlers, onRetry, doNow } = useMemo(() => {
    const doNow = (input: Input, sandboxes: readonly Sandbox[]) => {
      const sandboxKeys = sandboxes.map(({ key }) => key);
      // The filter is only recorded, so one that is too long is cut instead of rejected.
      const record = filter.slice(0, MAX_FILTER_CHARS);
      void follow(answerOf(operate({ ...input, sandboxKeys, filter: record })), input.act, sandboxes);
    };
    const pause = (sandboxes: readonly Sandbox[], retry: { retryOf?: string } = {}) => {
      if (losingProcesses(sandboxes, fleets().view().lacking).length > 0) setToPause({ sandboxes, ...retry });
      else doNow({ act: 'pause', ...retry }, sandboxes);
    };
    const handlers: ActHandlers = {
      onKill: unlessEmpty((sandboxes) =>
        setToKill({ sandboxes, graceMs: null, exportPath: null, retryOf: null }),
      ),
      onPause: unlessEmpty((sandboxes) => pause(sandboxes)),
      onResume: unlessEmpty(setToResume),
      onSetTimeout: unlessEmpty((sandboxes) => setToExtend({ sandboxes, retry: null })),
      onRun: unlessEmpty((sandboxes) => {
        const [only] = sandboxes;
        if (sandboxes.length === 1 && only) router.push(paths.sandboxRun(only.key));
        else setToRun({ sandboxes, retry: null });
      }),
    };
    const onRetry: Acts['onRetry'] = ({ id, act, params }, sandboxes) => {
      if (sandboxes.length === 0) return;
      const retries = {
        kill: () =>
          setToKill({
            sandboxes,
            graceMs: params.graceMs ?? null,
            exportPath: params.exportPath ?? null,
            retryOf: id,
          }),
        pause: () => pause(sandboxes, { retryOf: id }),
        resume: () =>
          doNow({ act: 'resume', retryOf: id, ...timeOf(params), ...endingOf(params) }, sandboxes),
        run: () => setToRun({ sandboxes, retry: { id, params } }),
        // It may shorten some by now.
        setTimeout: () => setToExtend({ sandboxes, retry: { id, params } }),
      } satisfies Record<SandboxAct, () => void>;
      retries[act]();
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
        onStarted={(operation) => {
          unselect(toKill?.sandboxes ?? []);
          // If the toasts cannot be loaded, the tray still shows the outcome.
          void loadToasts().then(
            ({ followOperation }) => followOperation(operation),
            () => {},
          );
        }}
      />
      <PauseDialog
        sandboxes={toPause?.sandboxes ?? null}
        lacking={lacking}
        onClose={() => setToPause(null)}
        onChoose={(sandboxes) => {
          const { retryOf: id } = toPause ?? {};
          doNow({ act: 'pause', ...(id === undefined ? {} : { retryOf: id }) }, sandboxes);
        }}
      />
      <ResumeDialog
        sandboxes={toResume}
        onClose={() => setToResume(null)}
        onChoose={(sandboxes, params) => doNow({ act: 'resume', ...params }, sandboxes)}
      />
      <CommandDialog
        request={toRun}
        onClose={() => setToRun(null)}
        plan={(sandboxKeys, choice) =>
          answerOf(planRun({ sandboxKeys, ...choice, ...retryOf(toRun?.retry) }))
        }
        start={(token, reason) =>
          answerOf(startRun({ token, reason, filter: filter.slice(0, MAX_FILTER_CHARS) }))
        }
        onStarted={(operation) => {
          unselect(toRun?.sandboxes ?? []);
          router.push(paths.operation(operation.id));
        }}
      />
      <TimeLeftDialog
        request={toExtend}
        onClose={() => setToExtend(null)}
        onChoose={(sandboxes, choice) =>
          doNow({ act: 'setTimeout', ...choice, ...retryOf(toExtend?.retry) }, sandboxes)
        }
        plan={(sandboxKeys, choice) =>
          answerOf(planTimeLeft({ sandboxKeys, ...choice, ...retryOf(toExtend?.retry) }))
        }
        start={(token, typed) =>
          answerOf(startTimeLeft({ token, typed, reason: '', filter: filter.slice(0, MAX_FILTER_CHARS) }))
        }
        onStarted={(operation) => {
          unselect(toExtend?.sandboxes ?? []);
          void loadToasts().then(({ followOperation }) => followOperation(operation));
        }}
      />
    </>
  );
  const isOpen =
    toKill !== null || toPause !== null || toResume !== null || toExtend !== null || toRun !== null;
  return { handlers, onRetry, dialogs, isOpen };
}

/** Sets the time left of a sandbox without a dialog, and shows the outcome. */
export function giveTime(sandbox: Sandbox, timeoutMs: number): Promise<void> {
  const input: OperateRequest = { act: 'setTimeout', timeoutMs, sandboxKeys: [sandbox.key], filter: '' };
  return follow(answerOf(operate(input)), 'setTimeout', [sandbox]);
}

/** Shows the outcome of an action. If the toasts cannot be loaded, shows at least an error. */
async function follow(
  answer: Promise<Answer<Started> | null>,
  act: SandboxAct,
  sandboxes: readonly Sandbox[],
): Promise<void> {
  const [toasts, result] = await Promise.all([loadToasts().catch(() => null), answer]);
  if (result?.ok) unselect(sandboxes);
  if (toasts !== null) toasts.followAct(result, act, sandboxes);
  else if (!result?.ok)
    toast.error('The action failed', {
      description: result?.error.message ?? 'The server could not be reached.',
    });
}

/** An operation has taken these sandboxes, so they leave the selection: the next action must not include them again. */
function unselect(sandboxes: readonly Sandbox[]): void {
  fleetSelection().update((now) =>
    unselectTaken(
      now,
      sandboxes.map(({ key }) => key),
    ),
  );
}

type OperateRequest = Parameters<typeof operate>[0];
type Input = OperateRequest extends infer Each
  ? Each extends OperateRequest
    ? Omit<Each, 'sandboxKeys' | 'filter'>
    : never
  : never;

/** A fallback: Sandkeeper always records a timeout with these actions. */
const USUAL_TIME_MS = 15 * 60_000;

function timeOf({ timeoutMs = USUAL_TIME_MS }: Operation['params']): { timeoutMs: number } {
  return { timeoutMs };
}

function retryOf(retry: { id: string } | null | undefined): { retryOf?: string } {
  return retry ? { retryOf: retry.id } : {};
}

function endingOf({ autoPause }: Operation['params']): { autoPause?: boolean } {
  return autoPause === undefined ? {} : { autoPause };
}

function unlessEmpty(act: (sandboxes: Sandbox[]) => void): (sandboxes: Sandbox[]) => void {
  return (sandboxes) => {
    if (sandboxes.length > 0) act(sandboxes);
  };
}
