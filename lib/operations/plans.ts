import 'server-only';
import { randomBytes } from 'node:crypto';
import { SandkeeperError } from '../errors';
import type { SandboxAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';
import { singleton } from '../singleton';
import type { ActParams } from './schema';

/** A plan that somebody has been shown and may start. */
export type PendingPlan = {
  /** Becomes the operation's id, so that starting one plan twice is starting it once. */
  id: string;
  sessionId: string;
  act: SandboxAct;
  params: ActParams;
  targets: Sandbox[];
  expiresAtMs: number;
};

const VALID_FOR_MS = 10 * 60 * 1000;
const MOST_PENDING = 500;

function pending(): Map<string, PendingPlan> {
  return singleton('pending-plans', () => new Map());
}

/** Keeps a plan for its session; its id is the token that starts it. */
export function keepPlan(plan: Omit<PendingPlan, 'id' | 'expiresAtMs'>): PendingPlan {
  const plans = pending();
  const nowMs = Date.now();
  for (const [id, { expiresAtMs }] of plans) {
    if (expiresAtMs < nowMs || plans.size >= MOST_PENDING) plans.delete(id);
  }
  const kept = { ...plan, id: randomBytes(15).toString('base64url'), expiresAtMs: nowMs + VALID_FOR_MS };
  plans.set(kept.id, kept);
  return kept;
}

/** The plan behind a token. Throws `conflict` when it has expired or is another session's. */
export function findPlan(token: string, sessionId: string): PendingPlan {
  const plan = pending().get(token);
  if (plan && plan.sessionId === sessionId && plan.expiresAtMs > Date.now()) return plan;
  throw new SandkeeperError(
    'conflict',
    'This confirmation has expired. Look again and confirm what is shown then.',
  );
}
