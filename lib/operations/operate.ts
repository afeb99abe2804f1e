import 'server-only';
import type { Session } from '../access/sessions';
import { listStarted } from '../commands/store';
import { config } from '../config';
import { SandkeeperError } from '../errors';
import { fleetWatcher } from '../fleet/watcher';
import type { SandboxAct, StateAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';
import { getSandbox } from '../sandbox-api/control';
import { cannotArchive, requireArchiving } from './archive/archive-place';
import { findPlan, keepPlan, newOperationId, type PendingPlan } from './plan/pending-plans';
import { driftOf, partition, phraseFor } from './plan/plan';
import { freshCounts } from './record/board';
import { findOperation, listItems, recordCancel, recordClarified, recordOperation } from './record/store';
import type { ActParams, Operation, OperationItem, OperationPlan, Skipped, Started } from './schema';
import { operationRunner } from './work/runner';

type Input = { act: SandboxAct; sandboxIds: string[]; params: ActParams; retryOf: string | null };
type Start = {
  token: string;
  /** What may be started, whatever the token stands for. */
  act: SandboxAct;
  typed: string;
  reason: string;
  filter: string;
};

/** So few are read one by one, which is quicker than the list of a large fleet. */
const FEW = 10;

/**
 * Reads each sandbox afresh and answers whom the act would reach and whom not, under a token that starts exactly that,
 * once, for this session. Throws `invalid` for more than may be taken at once, and what `requireArchiving` throws where files
 * are to be saved first.
 */
export async function planOperation(session: Session, input: Input): Promise<OperationPlan> {
  const { act, params, retryOf } = input;
  if (params.exportPath !== undefined) await requireArchiving();
  await requireRepeatable(input);
  const { targets, skipped } = await look(input);
  const mustType = phraseFor(act, targets, config().operations.protectedKey);
  const plan = await keepPlan(session.id, { act, params, targets, mustType, retryOf });
  return {
    token: plan.id,
    act,
    params,
    targets,
    skipped,
    mustType,
    cancelWindowMs: cancelWindowOf(act),
    expiresAtMs: plan.expiresAtMs,
    cannotArchive: cannotArchive(),
  };
}

/** Throws `conflict` where a retry would send a command a second time. */
async function requireRepeatable({ act, retryOf, sandboxIds }: Input): Promise<void> {
  if (act !== 'run' || retryOf === null) return;
  const started = await listStarted(retryOf);
  const again = sandboxIds.filter((id) => started.has(id)).length;
  if (again === 0) return;
  throw new SandkeeperError(
    'conflict',
    `In ${again} of them the command was sent already. A retry never sends it twice; run it anew if that is what you want.`,
  );
}

/**
 * Starts what `planOperation` showed; starting one plan twice starts it once. Before anything is sent, every sandbox is
 * read again, and one that is not as it was shown is left alone. One that was asked for alone is read here already.
 *
 * Throws `conflict` when the plan has expired, is empty, or is of one sandbox that has changed: look and confirm again;
 * `invalid` when what had to be typed was not.
 */
export async function startPlanned(
  session: Session,
  { token, act, typed, ...record }: Start,
): Promise<Operation> {
  const plan = await findPlan(token, session.id);
  if (plan.act !== act) throw new SandkeeperError('forbidden', `This is no plan of a ${act}.`);
  const started = await findOperation(plan.id);
  if (started) return started;
  const [first] = plan.targets;
  if (first === undefined) throw new SandkeeperError('conflict', 'There is nothing to do.');
  if (plan.mustType !== null && typed.trim() !== plan.mustType)
    throw new SandkeeperError('invalid', `Type ${plan.mustType} to confirm.`);
  if (plan.targets.length === 1) await requireAsShown(first);
  return begin(session, { ...plan, ...record });
}

/** For acts that can be undone: plans and starts at once. Throws `conflict` with the reason when nothing would be reached. */
export async function operateNow(session: Session, input: Input, filter: string): Promise<Started> {
  const { act, params, retryOf } = input;
  const { targets, skipped } = await look(input);
  if (targets.length === 0) throw new SandkeeperError('conflict', whyNothing(skipped));
  const operation = await begin(session, {
    id: newOperationId(),
    act,
    params,
    targets,
    mustType: null,
    retryOf,
    reason: '',
    filter,
  });
  return { operation, skipped };
}

/** Cancels an operation under way. Throws `not_found`, or `conflict` when it is over. */
export async function stopOperation(session: Session, operationId: string): Promise<void> {
  const nowMs = Date.now();
  if (await recordCancel(operationId, session.actor, nowMs)) {
    operationRunner().cancel(operationId, session.actor, nowMs);
    return;
  }
  const operation = await findOperation(operationId);
  if (!operation) throw new SandkeeperError('not_found', 'There is no such operation.');
  if (operation.state === 'finished' && operation.cancelledAtMs === null)
    throw new SandkeeperError('conflict', 'It is over already; there is nothing left to stop.');
}

/** Reads again what became of the sandboxes of an operation about which nobody could tell. Throws `not_found`. */
export async function recheckUnknown(session: Session, operationId: string): Promise<void> {
  const operation = await findOperation(operationId);
  if (!operation) throw new SandkeeperError('not_found', 'There is no such operation.');
  const { act } = operation;
  if (act === 'run')
    throw new SandkeeperError('conflict', 'No reading tells what became of a command. Look in the sandbox.');
  const unknown = (await listItems(operationId)).filter(({ outcome }) => outcome === 'unknown');
  const read = await readEach(unknown.map(({ sandboxId }) => sandboxId));
  const items = unknown.map((item) => ({
    ...item,
    ...clarify(act, read.get(item.sandboxId) ?? null, session.actor),
  }));
  await recordClarified(operationId, items);
  operationRunner().note(operationId, items);
}

const REACHED = {
  kill: () => false,
  pause: ({ state }) => state === 'paused',
  resume: ({ state }) => state === 'running',
  setTimeout: ({ state }) => state === 'running',
} satisfies Record<StateAct, (sandbox: Sandbox) => boolean>;

/** What a late look, which `actor` asked for, says of an item that was sent. */
function clarify(
  act: StateAct,
  now: Sandbox | null,
  actor: string,
): Pick<OperationItem, 'outcome' | 'message'> {
  const look = `a later look by ${actor}`;
  if (now === null)
    return act === 'kill'
      ? { outcome: 'done', message: `Found gone by ${look}.` }
      : { outcome: 'failed', message: `Found terminated by ${look}.` };
  return REACHED[act](now)
    ? { outcome: 'done', message: `Found so by ${look}.` }
    : { outcome: 'failed', message: `Found ${now.state} by ${look}.` };
}

type Beginning = PendingPlan & { id: string; reason: string; filter: string };

async function begin(session: Session, { targets, mustType: _, ...plan }: Beginning): Promise<Operation> {
  const nowMs = Date.now();
  const operation: Operation = {
    id: plan.id,
    act: plan.act,
    params: plan.params,
    actor: session.actor,
    reason: plan.reason.trim(),
    filter: plan.filter,
    state: 'running',
    createdAtMs: nowMs,
    startsAtMs: nowMs + cancelWindowOf(plan.act),
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: plan.retryOf,
    counts: freshCounts(targets.length),
  };
  // While this is being written, the readings come in that the runner will ask for at once.
  if (operation.startsAtMs === nowMs && targets.length > FEW)
    for (const { id } of targets)
      fleetWatcher()
        .readSince(id, nowMs)
        .catch(() => {});
  const isNew = await recordOperation({ ...operation, targets });
  if (!isNew) return (await findOperation(plan.id)) ?? operation;
  operationRunner().start(
    operation,
    targets.map(({ id }) => ({ sandboxId: id, outcome: 'waiting', message: null, tookMs: null })),
  );
  return operation;
}

/** Only what cannot be undone waits for a change of mind. */
function cancelWindowOf(act: SandboxAct): number {
  return act === 'kill' ? config().operations.cancelWindowMs : 0;
}

async function look({ act, sandboxIds }: Input): Promise<{ targets: Sandbox[]; skipped: Skipped[] }> {
  const { protectedKey, bulkLimit } = config().operations;
  const ids = [...new Set(sandboxIds)];
  if (ids.length > bulkLimit) {
    throw new SandkeeperError(
      'invalid',
      `${ids.length} sandboxes are more than the ${bulkLimit} that one operation may take. Narrow the filter, or go in several steps.`,
    );
  }
  return partition(act, { read: await readEach(ids), protectedKey, busy: operationRunner().busyIds() });
}

function whyNothing(skipped: readonly Skipped[]): string {
  const reasons = new Set(skipped.map(({ reason }) => reason));
  const [first = 'There is nothing to do.'] = reasons;
  return reasons.size > 1 ? `There is nothing to do: none of them can be reached. ${first}` : first;
}

async function requireAsShown(shown: Sandbox): Promise<void> {
  const now = (await readEach([shown.id])).get(shown.id);
  const drift = now ? driftOf(shown, now, null) : null;
  if (drift !== null) throw new SandkeeperError('conflict', `${shown.id} changed: ${drift}. Confirm again.`);
}

/** A reading of each id; `null` where there is no such sandbox. Fresh news go to everybody who looks at the fleet. */
async function readEach(ids: readonly string[]): Promise<Map<string, Sandbox | null>> {
  const nowMs = Date.now();
  const read = ids.length > FEW ? (id: string) => fleetWatcher().readSince(id, nowMs) : readOne;
  const sandboxes = await Promise.all(ids.map(read));
  return new Map(ids.map((id, index) => [id, sandboxes[index] ?? null]));
}

async function readOne(id: string): Promise<Sandbox | null> {
  try {
    return fleetWatcher().asListed(await getSandbox(id));
  } catch (thrown) {
    if (!(thrown instanceof SandkeeperError && thrown.code === 'not_found')) throw thrown;
    fleetWatcher().settleGone(id);
    return null;
  }
}
