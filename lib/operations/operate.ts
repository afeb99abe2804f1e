import 'server-only';
import type { Session } from '../access/sessions';
import { listStarted } from '../commands/store';
import { config } from '../config';
import { requireDiskSpace } from '../db/disk-reserve';
import { SandkeeperError } from '../errors';
import { watcherOf } from '../fleet/watchers';
import type { SandboxAct, StateAct } from '../sandbox/can';
import { serviceCannot } from '../sandbox/capabilities';
import { MAX_READ_ONE_BY_ONE } from '../sandbox/limits';
import type { Sandbox } from '../sandbox/schema';
import { sandboxApi, serviceNowMs } from '../sandbox-api/configured';
import { connectionOf, type SandboxKey } from '../sandbox-key';
import { cannotArchive, requireArchiving } from './archive/archive-place';
import { findPlan, keepPlan, newOperationId, type PendingPlan } from './plan/pending-plans';
import { driftOf, partition, phraseFor } from './plan/plan';
import { losesTime } from './plan/time-left';
import { freshCounts } from './record/board';
import { findOperation, listItems, recordCancel, recordClarified, recordOperation } from './record/store';
import type { ActParams, Operation, OperationItem, OperationPlan, Skipped, Started } from './schema';
import { type ReadingSource, readTarget, sourceFor } from './step/read-target';
import { operationRunner } from './work/runner';

type Input = { act: SandboxAct; sandboxKeys: SandboxKey[]; params: ActParams; retryOf: string | null };
type Start = {
  token: string;
  /** The plan behind the token must be for this action. */
  act: SandboxAct;
  typed: string;
  reason: string;
  filter: string;
};

/** Actions whose results may be large. The others stay possible while a full disk has room for their record. */
const NEEDS_SPACE = {
  kill: false,
  pause: false,
  resume: false,
  setTimeout: false,
  run: true,
} satisfies Record<SandboxAct, boolean>;

/**
 * Reads each sandbox and returns which ones the action would change and which it would skip. The plan's token starts
 * exactly that, once, for this session. Throws `invalid` for more sandboxes than one operation may have, and whatever
 * `requireArchiving` throws when files are to be archived first.
 */
export async function planOperation(session: Session, input: Input): Promise<OperationPlan> {
  const { act, params, retryOf, sandboxKeys } = input;
  requireOffered(act, sandboxKeys);
  if (NEEDS_SPACE[act]) requireDiskSpace();
  if (params.exportPath !== undefined) await requireArchiving();
  await requireRepeatable(input);
  const { targets, skipped } = await partitionNow(input);
  const mustType = phraseFor(act, targets, config().operations.protectedKey);
  const plan = await keepPlan(session.id, { act, params, targets, mustType, retryOf });
  return {
    token: plan.id,
    act,
    params,
    targets,
    skipped,
    mustType,
    cancelWindowMs: cancelWindowOf(act, targets.length),
    expiresAtMs: plan.expiresAtMs,
    cannotArchive: lackingFiles(sandboxKeys) ?? cannotArchive(),
  };
}

/** @throws SandkeeperError `not_offered` if no sandbox of a service allows the action */
function requireOffered(act: SandboxAct, keys: readonly SandboxKey[]): void {
  for (const name of new Set(keys.map(connectionOf))) {
    const lacks = serviceCannot(sandboxApi(name).capabilities.lacking(), act);
    if (lacks !== null) throw new SandkeeperError('not_offered', lacks);
  }
}

/** Why the files of these sandboxes cannot be read; `null` if they can. */
function lackingFiles(keys: readonly SandboxKey[]): string | null {
  const names = [...new Set(keys.map(connectionOf))];
  return names.map((name) => sandboxApi(name).capabilities.lacking().files).find(Boolean) ?? null;
}

async function requireRepeatable({ act, retryOf, sandboxKeys }: Input): Promise<void> {
  if (act !== 'run' || retryOf === null) return;
  const started = await listStarted(retryOf);
  const repeated = sandboxKeys.filter((key) => started.has(key)).length;
  if (repeated === 0) return;
  throw new SandkeeperError(
    'conflict',
    `The command was already sent to ${repeated} of these sandboxes. A retry never sends it twice. To run it again, start a new operation.`,
  );
}

/**
 * Starts a plan. Starting the same plan twice starts it once. The runner reads every sandbox again before it sends
 * anything and skips those that have changed; a single sandbox is also read here, to fail early.
 *
 * Throws `conflict` when the plan has expired, is empty, or has a single sandbox that has changed; `invalid` when the
 * confirmation was not typed.
 */
export async function startPlanned(
  session: Session,
  { token, act, typed, ...record }: Start,
): Promise<Operation> {
  const plan = await findPlan(token, session.id);
  if (plan.act !== act) throw new SandkeeperError('forbidden', `This plan is not for the action ${act}.`);
  const started = await findOperation(plan.id);
  if (started) return started;
  const [first] = plan.targets;
  if (first === undefined) throw new SandkeeperError('conflict', 'There is nothing to do.');
  if (plan.mustType !== null && typed.trim() !== plan.mustType)
    throw new SandkeeperError('invalid', `Type ${plan.mustType} to confirm.`);
  if (plan.targets.length === 1) await requireAsShown(first);
  return begin(session, { ...plan, ...record });
}

/**
 * Plans and starts at once, for actions that can be undone. Throws `conflict` with the reason if all are skipped, and if
 * it would take time from one of several sandboxes: that needs a plan that somebody has read.
 */
export async function operateNow(session: Session, input: Input, filter: string): Promise<Started> {
  const { act, params, retryOf } = input;
  requireOffered(act, input.sandboxKeys);
  const { targets, skipped } = await partitionNow(input);
  if (targets.length === 0) throw new SandkeeperError('conflict', reasonForNone(skipped));
  if (act === 'setTimeout' && input.sandboxKeys.length > 1) requireNoLoss(targets, params);
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

function requireNoLoss(targets: readonly Sandbox[], params: ActParams): void {
  const losing = targets.filter((sandbox) => losesTime(sandbox, params, serviceNowMs(sandbox.key))).length;
  if (losing === 0) return;
  throw new SandkeeperError(
    'conflict',
    `This would leave ${losing} of ${targets.length} sandboxes less time than they have. Open "Set time left" to review the changes.`,
  );
}

/** Cancels a running operation. Throws `not_found`, or `conflict` when it has finished. */
export async function stopOperation(session: Session, operationId: string): Promise<void> {
  const nowMs = Date.now();
  if (await recordCancel(operationId, session.actor, nowMs)) {
    operationRunner().cancel(operationId, session.actor, nowMs);
    return;
  }
  const operation = await findOperation(operationId);
  if (!operation) throw new SandkeeperError('not_found', 'This operation does not exist.');
  if (operation.state === 'finished' && operation.cancelledAtMs === null)
    throw new SandkeeperError('conflict', 'This operation has already finished.');
}

/** Reads the sandboxes of an operation whose outcome is unknown again. Throws `not_found`. */
export async function recheckUnknown(session: Session, operationId: string): Promise<void> {
  const operation = await findOperation(operationId);
  if (!operation) throw new SandkeeperError('not_found', 'This operation does not exist.');
  const { act } = operation;
  if (act === 'run')
    throw new SandkeeperError(
      'conflict',
      'The outcome of a command cannot be rechecked. Check the sandbox itself.',
    );
  const recorded = await listItems(operationId);
  const unknown = recorded.filter(({ outcome }) => outcome === 'unknown');
  const read = await readEach(
    unknown.map(({ sandboxKey }) => sandboxKey),
    sourceFor(recorded.length),
  );
  const items = unknown.map((item) => ({
    ...item,
    ...clarify(act, read.get(item.sandboxKey) ?? null, session.actor),
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

/** The outcome of an item that was sent, from a later reading requested by `actor`. */
function clarify(
  act: StateAct,
  now: Sandbox | null,
  actor: string,
): Pick<OperationItem, 'outcome' | 'message'> {
  const check = `when ${actor} rechecked it`;
  if (now === null)
    return act === 'kill'
      ? { outcome: 'done', message: `It was gone ${check}.` }
      : { outcome: 'failed', message: `It was terminated ${check}.` };
  return REACHED[act](now)
    ? { outcome: 'done', message: `Confirmed ${check}.` }
    : { outcome: 'failed', message: `It was ${now.state} ${check}.` };
}

type ConfirmedPlan = PendingPlan & { id: string; reason: string; filter: string };

async function begin(session: Session, { targets, mustType: _, ...plan }: ConfirmedPlan): Promise<Operation> {
  if (NEEDS_SPACE[plan.act]) requireDiskSpace();
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
    startsAtMs: nowMs + cancelWindowOf(plan.act, targets.length),
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: plan.retryOf,
    counts: freshCounts(targets.length),
  };
  // Starts the readings that the runner will need while the record is being written.
  if (operation.startsAtMs === nowMs && sourceFor(targets.length) === 'list')
    for (const { key } of targets)
      watcherOf(key)
        .readSince(key, nowMs)
        .catch(() => {});
  const isNew = await recordOperation({ ...operation, targets });
  if (!isNew) return (await findOperation(plan.id)) ?? operation;
  operationRunner().start(
    operation,
    targets.map(({ key }) => ({ sandboxKey: key, outcome: 'waiting', message: null, tookMs: null })),
  );
  return operation;
}

/** A kill and a command in several sandboxes cannot be undone, so they can be cancelled before they start. */
function cancelWindowOf(act: SandboxAct, count: number): number {
  return act === 'kill' || (act === 'run' && count > 1) ? config().operations.cancelWindowMs : 0;
}

async function partitionNow({
  act,
  sandboxKeys,
  params,
}: Input): Promise<{ targets: Sandbox[]; skipped: Skipped[] }> {
  const { protectedKey, bulkLimit } = config().operations;
  const keys = [...new Set(sandboxKeys)];
  if (keys.length > bulkLimit) {
    throw new SandkeeperError(
      'invalid',
      `One operation can have at most ${bulkLimit} sandboxes, not ${keys.length}. Narrow the filter, or split it into several operations.`,
    );
  }
  if (keys.length > MAX_READ_ONE_BY_ONE && keys.some((key) => watcherOf(key).isEndless)) {
    throw new SandkeeperError(
      'conflict',
      `The list of the sandbox service does not end, so one operation can have at most ${MAX_READ_ONE_BY_ONE} sandboxes, which are read one by one. Select fewer.`,
    );
  }
  const context = {
    protectedKey,
    busy: operationRunner().busyKeys(),
    needsDeadline: params.addMs !== undefined,
  };
  const source = sourceFor(keys.length);
  const parts = partition(act, { ...context, read: await readEach(keys, source), isBulk: keys.length > 1 });
  const workSource = sourceFor(parts.targets.length);
  if (workSource === source) return parts;
  // The work will read this few targets from the other source, so the plan does too.
  const read = await readEach(
    parts.targets.map(({ key }) => key),
    workSource,
  );
  const again = partition(act, { ...context, read, isBulk: keys.length > 1 });
  return { targets: again.targets, skipped: [...parts.skipped, ...again.skipped] };
}

function reasonForNone(skipped: readonly Skipped[]): string {
  const reasons = new Set(skipped.map(({ reason }) => reason));
  const [first = 'There is nothing to do.'] = reasons;
  return reasons.size > 1 ? `There is nothing to do: every sandbox is skipped. ${first}` : first;
}

async function requireAsShown(shown: Sandbox): Promise<void> {
  const now = (await readEach([shown.key], sourceFor(1))).get(shown.key);
  const drift = now ? driftOf(shown, now, null) : null;
  if (drift !== null) throw new SandkeeperError('conflict', `${shown.id} changed: ${drift}. Confirm again.`);
}

/** Reads each sandbox; `null` when it does not exist. The readings also update the fleet view. */
async function readEach(
  keys: readonly SandboxKey[],
  source: ReadingSource,
): Promise<Map<SandboxKey, Sandbox | null>> {
  const sinceMs = Date.now();
  const sandboxes = await Promise.all(keys.map((key) => readTarget(key, { source, sinceMs })));
  return new Map(keys.map((key, index) => [key, sandboxes[index] ?? null]));
}
