import 'server-only';
import type { Session } from '../access/sessions';
import { SandkeeperError } from '../errors';
import { fleetWatcher } from '../fleet/watcher';
import { getSandbox } from '../moru/control';
import type { SandboxAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';
import { driftOf, partition } from './plan';
import { findPlan, keepPlan, type PendingPlan } from './plans';
import { operationRunner } from './runner';
import type { ActParams, Operation, OperationItem, OperationPlan } from './schema';
import { findOperation, recordOperation } from './store';

type Wish = { act: SandboxAct; sandboxIds: string[]; params: ActParams };

/** Reads each sandbox afresh and answers whom the act would reach, under a token that starts exactly that. */
export async function planOperation(
  session: Session,
  { act, sandboxIds, params }: Wish,
): Promise<OperationPlan> {
  const { targets, skipped } = partition(act, await readEach(sandboxIds));
  const plan = keepPlan({ sessionId: session.id, act, params, targets });
  return { token: plan.id, act, targets, skipped, expiresAtMs: plan.expiresAtMs };
}

/**
 * Starts what `planOperation` showed. Throws `conflict` when the plan has expired or when a sandbox is no longer as it
 * was shown: then it must be looked at and confirmed again. Starting one plan twice starts it once.
 */
export async function startPlanned(session: Session, token: string, filter: string): Promise<Operation> {
  const plan = findPlan(token, session.id);
  const started = await findOperation(plan.id);
  if (started) return started;
  if (plan.targets.length === 0) throw new SandkeeperError('conflict', 'There is nothing to do.');
  const now = await readEach(plan.targets.map(({ id }) => id));
  for (const shown of plan.targets) {
    const current = now.get(shown.id);
    const drift = current ? driftOf(shown, current) : null;
    if (drift !== null)
      throw new SandkeeperError('conflict', `${shown.id} changed: ${drift}. Confirm again.`);
  }
  return begin(session, plan, filter);
}

/** For acts that can be undone: plans and starts at once. Throws `conflict` with the reason when nothing would be reached. */
export async function operateNow(session: Session, wish: Wish): Promise<Operation> {
  const { targets, skipped } = partition(wish.act, await readEach(wish.sandboxIds));
  if (targets.length === 0)
    throw new SandkeeperError('conflict', skipped[0]?.reason ?? 'There is nothing to do.');
  return begin(session, keepPlan({ sessionId: session.id, act: wish.act, params: wish.params, targets }), '');
}

async function begin(session: Session, plan: PendingPlan, filter: string): Promise<Operation> {
  const operation: Operation = {
    id: plan.id,
    act: plan.act,
    params: plan.params,
    actor: session.actor,
    state: 'running',
    createdAtMs: Date.now(),
    finishedAtMs: null,
  };
  const isNew = await recordOperation({ ...operation, filter, targets: plan.targets });
  const items: OperationItem[] = plan.targets.map(({ id }) => ({
    sandboxId: id,
    outcome: 'waiting',
    message: null,
  }));
  if (!isNew) return (await findOperation(plan.id)) ?? operation;
  operationRunner().start(operation, items);
  return operation;
}

/** A reading of each id; `null` where there is no such sandbox. Fresh news go to everybody who looks at the fleet. */
async function readEach(sandboxIds: string[]): Promise<Map<string, Sandbox | null>> {
  const read = new Map<string, Sandbox | null>();
  for (const id of new Set(sandboxIds)) {
    try {
      read.set(id, fleetWatcher().asListed(await getSandbox(id)));
    } catch (thrown) {
      if (!(thrown instanceof SandkeeperError && thrown.code === 'not_found')) throw thrown;
      read.set(id, null);
      fleetWatcher().settleGone(id);
    }
  }
  return read;
}
