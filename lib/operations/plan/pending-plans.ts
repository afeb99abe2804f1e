import 'server-only';
import { randomBytes } from 'node:crypto';
import { database } from '../../db/client';
import { SandkeeperError } from '../../errors';
import type { SandboxAct } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import { type ConnectionName, connectionOf } from '../../sandbox-key';
import { type ActParams, PLAN_LIVES_MS } from '../schema';

/** A plan that was shown to a person and can be started. */
export type PendingPlan = {
  act: SandboxAct;
  params: ActParams;
  targets: Sandbox[];
  /** See `OperationPlan`. */
  mustType: string | null;
  retryOf: string | null;
};

/** A stored plan. Its id becomes the operation's id, so that starting it twice starts it once. */
export type KeptPlan = PendingPlan & { id: string; expiresAtMs: number };

/** An unguessable id for a plan and its operation. */
export function newOperationId(): string {
  return randomBytes(15).toString('base64url');
}

/** Stores a plan for its session. Its id is the token that starts it. */
export async function keepPlan(sessionId: string, plan: PendingPlan): Promise<KeptPlan> {
  const db = await database();
  const nowMs = Date.now();
  const kept = { ...plan, id: newOperationId(), expiresAtMs: nowMs + PLAN_LIVES_MS };
  await db.deleteFrom('operation_plans').where('expires_at_ms', '<', nowMs).execute();
  await db
    .insertInto('operation_plans')
    .values({
      id: kept.id,
      session_id: sessionId,
      plan: JSON.stringify(plan),
      expires_at_ms: kept.expiresAtMs,
    })
    .execute();
  return kept;
}

/** Finds a plan by its token. Throws `conflict` when it has expired or belongs to another session. */
export async function findPlan(token: string, sessionId: string): Promise<KeptPlan> {
  const db = await database();
  const row = await db
    .selectFrom('operation_plans')
    .selectAll()
    .where('id', '=', token)
    .where('session_id', '=', sessionId)
    .where('expires_at_ms', '>', Date.now())
    .executeTakeFirst();
  if (row)
    return { ...(JSON.parse(row.plan) as PendingPlan), id: row.id, expiresAtMs: Number(row.expires_at_ms) };
  throw new SandkeeperError(
    'conflict',
    'This confirmation has expired. Check the sandboxes again and confirm.',
  );
}

/** The connections of a plan, by its token. Empty for an unknown one. */
export async function connectionsPlanned(token: string): Promise<ConnectionName[]> {
  const db = await database();
  const row = await db
    .selectFrom('operation_plans')
    .select('plan')
    .where('id', '=', token)
    .executeTakeFirst();
  const targets = row ? (JSON.parse(row.plan) as PendingPlan).targets : [];
  return [...new Set(targets.map(({ key }) => connectionOf(key)))];
}
