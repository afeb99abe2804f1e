import 'server-only';
import { randomBytes } from 'node:crypto';
import { database } from '../../db/client';
import { SandkeeperError } from '../../errors';
import type { SandboxAct } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import { type ActParams, PLAN_LIVES_MS } from '../schema';

/** What somebody has been shown and may start. */
export type PendingPlan = {
  act: SandboxAct;
  params: ActParams;
  targets: Sandbox[];
  /** What must be typed to start it. */
  mustType: string | null;
  retryOf: string | null;
};

/** A plan that is kept. Its id becomes the operation's, so that starting one plan twice is starting it once. */
export type KeptPlan = PendingPlan & { id: string; expiresAtMs: number };

/** An id that cannot be guessed, for a plan and the operation that comes of it. */
export function newOperationId(): string {
  return randomBytes(15).toString('base64url');
}

/** Keeps a plan for its session; its id is the token that starts it. */
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

/** The plan behind a token. Throws `conflict` when it has expired or is another session's. */
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
    'This confirmation has expired. Look again and confirm what is shown then.',
  );
}
