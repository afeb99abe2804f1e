import { toast } from 'sonner';
import { describeSkipped } from '@/lib/operations/plan/blast-radius';
import { operationProgress } from '@/lib/operations/record/progress';
import { type Operation, type OperationItem, type Started, totalsOf } from '@/lib/operations/schema';
import type { Result } from '@/lib/result';
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

const STAYS_FOR_MS = 15_000;

/** Follows an act that has been asked for: says what it leaves alone, and how it ended or why it did not begin. */
export function followAct(
  result: Result<Started> | null,
  act: SandboxAct,
  sandboxes: readonly Sandbox[],
): void {
  if (result?.ok) {
    const { operation, skipped } = result.value;
    const leftAlone = describeSkipped(act, skipped);
    if (leftAlone !== null) toast.message(`${underWayTitle(act, operation.counts)}; ${leftAlone}`);
    followOperation(operation);
    return;
  }
  const [first] = sandboxes;
  const whom = sandboxes.length === 1 && first ? first.id : sandboxCount(sandboxes.length);
  toast.error(`${NOT_DONE[act]} ${whom}`, {
    description:
      result?.error.message ?? 'The server could not be reached. Whether it was started is not known.',
  });
}

/** Says how an operation on a single sandbox ended, once that has been verified. Those on many have the tray. */
export function followOperation(operation: Operation): void {
  if (totalsOf(operation.counts).total !== 1) return;
  operationProgress().whenFinished(operation.id, (ended, items) => {
    for (const item of items) tell(ended, item);
  });
}

function tell(operation: Operation, { sandboxId, outcome, message }: OperationItem): void {
  const { act } = operation;
  const description = message ?? (outcome === 'done' ? sayAfterwards(operation) : null);
  const detail = description === null ? {} : { description };
  switch (outcome) {
    case 'done':
      toast.success(`${DONE[act]} ${sandboxId}`, detail);
      return;
    case 'already':
      toast.message(act === 'kill' ? `${sandboxId} was already terminated` : sandboxId, detail);
      return;
    case 'cancelled':
    case 'skipped':
      toast.message(`${sandboxId} was left alone`, {
        description: message ?? 'It was cancelled before anything was sent.',
      });
      return;
    case 'unknown':
      toast.error(`Not known what became of ${sandboxId}`, { ...detail, duration: STAYS_FOR_MS });
      return;
    default:
      toast.error(`${NOT_DONE[act]} ${sandboxId}`, { ...detail, duration: STAYS_FOR_MS });
  }
}

/** What follows from an act that its name does not say. */
function sayAfterwards({ act, params: { timeoutMs, autoPause } }: Operation): string | null {
  if (act !== 'resume' || timeoutMs === undefined) return null;
  const time = `For ${Math.round(timeoutMs / 60_000)} min.`;
  if (autoPause === undefined) return `${time} Then it pauses or is killed, as it was created to be.`;
  return `${time} Then it ${autoPause ? 'pauses' : 'is killed'}.`;
}
