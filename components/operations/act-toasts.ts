import { connectionSplitText, sandboxNameText } from '@/components/sandbox/connection-name';
import { toast } from '@/components/ui/toast';
import { type Answer, answerOf } from '@/lib/answer';
import { operate } from '@/lib/operations/actions';
import { describeSkipped } from '@/lib/operations/plan/blast-radius';
import { operationProgress } from '@/lib/operations/record/progress';
import { type Operation, type OperationItem, type Started, totalsOf } from '@/lib/operations/schema';
import type { SandboxAct } from '@/lib/sandbox/can';
import type { Sandbox } from '@/lib/sandbox/schema';
import { sandboxCount, underWayTitle } from './outcome';

const DONE = {
  run: 'Ran a command in',
  kill: 'Killed',
  pause: 'Paused',
  resume: 'Resumed',
  setTimeout: 'Set the time left of',
} satisfies Record<SandboxAct, string>;

const NOT_DONE = {
  run: 'Could not run the command in',
  kill: 'Could not kill',
  pause: 'Could not pause',
  resume: 'Could not resume',
  setTimeout: 'Could not set the time left of',
} satisfies Record<SandboxAct, string>;

const ERROR_TOAST_MS = 15_000;

/** The time for which the action of a toast resumes sandboxes. They pause again at the end. */
const RESUME_MS = 15 * 60_000;

/** Shows toasts for an action: what it skips, how it ended, or why it did not start. */
export function followAct(
  result: Answer<Started> | null,
  act: SandboxAct,
  sandboxes: readonly Pick<Sandbox, 'key'>[],
): void {
  if (result?.ok) {
    const { operation, skipped } = result.value;
    const skips = describeSkipped(act, skipped);
    if (skips !== null) toast.message(`${underWayTitle(act, operation.counts)}; ${skips}`);
    followOperation(operation);
    return;
  }
  const [first] = sandboxes;
  const target =
    sandboxes.length === 1 && first ? sandboxNameText(first.key) : sandboxCount(sandboxes.length);
  toast.error(`${NOT_DONE[act]} ${target}`, {
    description:
      result?.error.message ?? 'The server could not be reached. Check the operations: it may have started.',
  });
}

/**
 * Shows the verified outcome of an operation on a single sandbox. The tray shows bulk operations; after a bulk pause, a toast
 * offers the way back.
 */
export function followOperation(operation: Operation): void {
  const isOne = totalsOf(operation.counts).total === 1;
  if (!isOne && operation.act !== 'pause') return;
  operationProgress().whenFinished(operation.id, (ended, items) => {
    if (isOne) for (const item of items) showOutcome(ended, item);
    else offerToResume(items);
  });
}

const PARTLY = {
  run: 'The command ended with an error in',
  kill: 'Partly killed',
  pause: 'Partly paused',
  resume: 'Resumed for less time:',
  setTimeout: 'Set to less than requested:',
} satisfies Record<SandboxAct, string>;

function offerToResume(items: readonly OperationItem[]): void {
  const paused = items.filter(({ outcome }) => outcome === 'done');
  if (paused.length === 0) return;
  const isWhole = paused.length === items.length;
  const show = isWhole ? toast.success : toast.message;
  const split = connectionSplitText(paused.map(({ sandboxKey }) => sandboxKey));
  show(isWhole ? `Paused ${sandboxCount(paused.length)}` : `Paused ${paused.length} of ${items.length}`, {
    action: resumeAction(paused.length === 1 ? 'Resume it' : `Resume these ${paused.length}`, paused),
    duration: ERROR_TOAST_MS,
    ...(split === null ? {} : { description: split }),
  });
}

/** Resumes exactly the sandboxes that were paused, so that a wrong click is undone from where it is noticed. */
function resumeAction(label: string, items: readonly OperationItem[]) {
  const sandboxKeys = items.map(({ sandboxKey }) => sandboxKey);
  return {
    label,
    onClick: () =>
      void answerOf(
        operate({ act: 'resume', timeoutMs: RESUME_MS, autoPause: true, sandboxKeys, filter: '' }),
      ).then((result) =>
        followAct(
          result,
          'resume',
          sandboxKeys.map((key) => ({ key })),
        ),
      ),
  };
}

function showOutcome(operation: Operation, item: OperationItem): void {
  const { sandboxKey, outcome, message } = item;
  const id = sandboxNameText(sandboxKey);
  const { act } = operation;
  const description = message ?? (outcome === 'done' ? describeTimeout(operation) : null);
  const detail = description === null ? {} : { description };
  switch (outcome) {
    case 'done':
      toast.success(`${DONE[act]} ${id}`, {
        ...detail,
        ...(act === 'pause' ? { action: resumeAction('Resume', [item]) } : {}),
      });
      return;
    case 'already':
      toast.message(act === 'kill' ? `${id} was already terminated` : id, detail);
      return;
    case 'partial':
      toast.message(`${PARTLY[act]} ${id}`, { ...detail, duration: ERROR_TOAST_MS });
      return;
    case 'cancelled':
    case 'skipped':
      toast.message(`${id} was not changed`, {
        description: message ?? 'It was cancelled before any request was sent.',
      });
      return;
    case 'unknown':
      toast.error(`Unknown outcome for ${id}`, { ...detail, duration: ERROR_TOAST_MS });
      return;
    default:
      toast.error(`${NOT_DONE[act]} ${id}`, { ...detail, duration: ERROR_TOAST_MS });
  }
}

function describeTimeout({ act, params: { timeoutMs, autoPause } }: Operation): string | null {
  if (act !== 'resume' || timeoutMs === undefined) return null;
  const time = `For ${Math.round(timeoutMs / 60_000)} min.`;
  if (autoPause === undefined) return `${time} Then it is paused or killed, as set when it was created.`;
  return `${time} Then it is ${autoPause ? 'paused' : 'killed'}.`;
}
