import 'server-only';
import { NOT_FOUND, requireRole } from '../access/guard';
import type { Session } from '../access/sessions';
import { listStarted } from '../commands/store';
import { config } from '../config';
import { byConnection } from '../connection-split';
import { connections } from '../connections/registry';
import { requireDiskSpace } from '../db/disk-reserve';
import { SandkeeperError } from '../errors';
import { fleetWatcher } from '../fleet/watchers';
import { mayIn } from '../grants';
import { ROLE_FOR, type SandboxAct, type StateAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';
import { serviceNowMs } from '../sandbox-api/configured';
import { type ConnectionName, connectionOf, type SandboxKey } from '../sandbox-key';
import { cannotArchive, requireArchiving } from './archive/archive-place';
import { lackingFiles, partitionNow } from './plan/partition-now';
import { findPlan, keepPlan, newOperationId, type PendingPlan } from './plan/pending-plans';
import { driftOf, type Partition, phraseFor } from './plan/plan';
import { endingOf, losesTime, resumesToKill } from './plan/time-left';
import { freshCounts } from './record/board';
import { operationFor, seesOperation } from './record/operation-for';
import {
  connectionsOf,
  findOperation,
  listItems,
  recordCancel,
  recordClarified,
  recordOperation,
} from './record/store';
import type {
  ActParams,
  Operation,
  OperationItem,
  OperationPlan,
  Skipped,
  Started,
  StoredOperation,
} from './schema';
import { readEach, sourceFor } from './step/read-target';
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
  const { act, params: requested, retryOf, sandboxKeys } = input;
  await requireSeen(session, retryOf);
  if (NEEDS_SPACE[act]) requireDiskSpace();
  if (requested.exportPath !== undefined) await requireArchiving();
  await requireRepeatable(input);
  const { targets, skipped } = await partitionInput(session, input);
  const ending = endedBy(act, requested, targets);
  const params = act === 'setTimeout' && ending.length > 0 ? { ...requested, ...endsOf(ending) } : requested;
  const mustType = phraseFor(act, ending, config().operations.protectedKey);
  const plan = await keepPlan(session.id, { act, params, targets, mustType, retryOf });
  return {
    token: plan.id,
    act,
    params,
    targets,
    skipped,
    mustType,
    cancelWindowMs: cancelWindowOf(plan),
    expiresAtMs: plan.expiresAtMs,
    cannotArchive: lackingFiles(sandboxKeys) ?? cannotArchive(),
  };
}

/** Recorded with a change of the time left that ends sandboxes. */
function endsOf(ending: readonly Sandbox[]): Pick<ActParams, 'ends' | 'endsIn'> {
  const names = ending.map(({ key }) => connectionOf(key));
  return { ends: ending.length, endsIn: [...new Set(names)] };
}

/** The sandboxes that a kill ends, or a change of the time left. */
function endedBy(act: SandboxAct, params: ActParams, targets: readonly Sandbox[]): readonly Sandbox[] {
  if (act === 'kill') return targets;
  if (act !== 'setTimeout') return [];
  return targets.filter((sandbox) => endingOf(sandbox, params, serviceNowMs(sandbox.key)) === 'kill');
}

/** Only an operation that the person sees can be retried. */
async function requireSeen(session: Session, retryOf: string | null): Promise<void> {
  if (retryOf === null || seesOperation(session.grants, { connections: await connectionsOf(retryOf) }))
    return;
  throw new SandkeeperError('not_found', NOT_FOUND);
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
  if (started) return operationFor(session.grants, started);
  const [first] = plan.targets;
  if (first === undefined) throw new SandkeeperError('conflict', 'There is nothing to do.');
  if (plan.mustType !== null && typed.trim() !== plan.mustType)
    throw new SandkeeperError('invalid', `Type ${plan.mustType} to confirm.`);
  if (plan.params.endsIn !== undefined) requireRole(session, ROLE_FOR.kill, plan.params.endsIn);
  if (plan.targets.length === 1) await requireAsShown(first);
  return begin(session, { ...plan, ...record });
}

/**
 * Plans and starts at once, for actions that can be undone. Throws `conflict` with the reason if all are skipped, and if
 * it would take time from one of several sandboxes: that needs a plan that somebody has read.
 */
export async function operateNow(session: Session, input: Input, filter: string): Promise<Started> {
  const { act, params, retryOf } = input;
  await requireSeen(session, retryOf);
  const { targets, skipped } = await partitionInput(session, input);
  if (targets.length === 0) {
    const isForbidden = skipped.every(({ kind }) => kind === 'role');
    throw new SandkeeperError(isForbidden ? 'forbidden' : 'conflict', reasonForNone(skipped));
  }
  requireNoEnd(act, targets, params);
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

/** What ends a sandbox needs a plan that somebody has confirmed. */
function requireNoEnd(act: SandboxAct, targets: readonly Sandbox[], params: ActParams): void {
  const count = endedBy(act, params, targets).length;
  if (count > 0)
    throw new SandkeeperError(
      'conflict',
      `This would end ${count} of ${targets.length} sandboxes within 5 minutes. Open "Set time left" to confirm it.`,
    );
  if (act === 'resume' && targets.some((sandbox) => resumesToKill(sandbox, params)))
    throw new SandkeeperError(
      'conflict',
      'This would kill them within 5 minutes. Resume them for at least 5 minutes, or pause them at the deadline.',
    );
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
  if (!operation) throw new SandkeeperError('not_found', NOT_FOUND);
  if (operation.state === 'finished' && operation.cancelledAtMs === null)
    throw new SandkeeperError('conflict', 'This operation has already finished.');
}

/** Reads the sandboxes of an operation whose outcome is unknown again. Throws `not_found`. */
export async function recheckUnknown(session: Session, operationId: string): Promise<void> {
  const operation = await findOperation(operationId);
  if (!operation) throw new SandkeeperError('not_found', NOT_FOUND);
  const { act } = operation;
  if (act === 'run')
    throw new SandkeeperError(
      'conflict',
      'The outcome of a command cannot be rechecked. Check the sandbox itself.',
    );
  const read = await readUnknown(await listItems(operationId));
  const items = read.map(([item, now]) => ({ ...item, ...clarify(act, now, session.actor) }));
  await recordClarified(operationId, items);
  operationRunner().note(operationId, items);
}

/** A connection that cannot be read leaves its items unknown. @throws its error if none can be read */
async function readUnknown(recorded: readonly OperationItem[]): Promise<[OperationItem, Sandbox | null][]> {
  const unknown = recorded.filter(({ outcome }) => outcome === 'unknown');
  const sizes = byConnection(recorded.map(({ sandboxKey }) => sandboxKey));
  const groups = [...byConnection(unknown.map(({ sandboxKey }) => sandboxKey))];
  const readings = await Promise.allSettled(
    groups.map(([name, keys]) => readEach(keys, sourceFor(sizes.get(name)?.length ?? 0))),
  );
  const failed = readings.filter((reading) => reading.status === 'rejected');
  const [first] = failed;
  if (first !== undefined && failed.length === readings.length) throw first.reason;
  const read = new Map(
    readings.flatMap((reading) => (reading.status === 'fulfilled' ? [...reading.value] : [])),
  );
  return unknown.flatMap((item) => {
    const now = read.get(item.sandboxKey);
    return now === undefined ? [] : [[item, now]];
  });
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
  const operation: StoredOperation = {
    id: plan.id,
    act: plan.act,
    params: plan.params,
    actorId: session.userId,
    actor: session.actor,
    reason: plan.reason.trim(),
    filter: plan.filter,
    state: 'running',
    createdAtMs: nowMs,
    startsAtMs: nowMs + cancelWindowOf({ ...plan, targets }),
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: plan.retryOf,
    connections: [...byConnection(targets.map(({ key }) => key)).keys()].sort(),
    retriedConnections: plan.retryOf === null ? [] : await connectionsOf(plan.retryOf),
    counts: freshCounts(targets.length),
  };
  // Starts the readings that the runner will need while the record is being written.
  if (operation.startsAtMs === nowMs) readAhead(targets, nowMs);
  const isNew = await recordOperation({ ...operation, targets, sessionId: session.id });
  if (!isNew) return operationFor(session.grants, (await findOperation(plan.id)) ?? operation);
  operationRunner().start(
    operation,
    targets.map(({ key }) => ({ sandboxKey: key, outcome: 'waiting', message: null, tookMs: null })),
  );
  return operationFor(session.grants, operation);
}

function readAhead(targets: readonly Sandbox[], sinceMs: number): void {
  for (const [name, keys] of byConnection(targets.map(({ key }) => key))) {
    // The work itself reports that a connection is no longer in use.
    if (sourceFor(keys.length) !== 'list' || connections().find(name)?.isDisabled !== false) continue;
    for (const key of keys)
      fleetWatcher(name)
        .readSince(key, sinceMs)
        .catch(() => {});
  }
}

/** A kill, an end and a command in several sandboxes cannot be undone, so they can be cancelled before they start. */
function cancelWindowOf({ act, params, targets }: Pick<PendingPlan, 'act' | 'params' | 'targets'>): number {
  const isFinal = act === 'kill' || params.ends !== undefined || (act === 'run' && targets.length > 1);
  return isFinal ? config().operations.cancelWindowMs : 0;
}

/** Also notes which sandboxes other operations work on. */
function partitionInput({ grants }: Session, input: Input): Promise<Partition> {
  const mayKill = (name: ConnectionName) => mayIn(grants, ROLE_FOR.kill, name);
  return partitionNow({ ...input, busy: operationRunner().busyKeys(), mayKill });
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
