import 'server-only';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { config } from '../../config';
import { database } from '../../db/client';
import type { Database } from '../../db/schema';
import type { Account, Tokens } from './provider';
import { openJson, sealJson } from './sealed';

/** What a session depends on that was opened by a provider. */
export type ProviderSession = {
  sessionId: string;
  provider: string;
  issuer: string;
  subject: string;
  tokens: Tokens | null;
  checkedAtMs: number;
  problem: string | null;
  failingSinceMs: number | null;
  ended: string | null;
};

const StoredTokens = z.object({
  refreshToken: z.string().nullable(),
  accessToken: z.string().nullable(),
  accessTokenUntilMs: z.number().nullable(),
  idToken: z.string().nullable(),
});
const PURPOSE = 'tokens of a session';
/** How long the sentence about an ended session is kept. */
const KEEP_ENDED_MS = 7 * 24 * 60 * 60 * 1000;
/** Longer than a check with all its calls takes. */
const CLAIM_MS = 2 * 60 * 1000;

/** Attaches a new session to the account that opened it. Until then the session is not valid. */
export async function attachProvider(
  sessionId: string,
  provider: string,
  { issuer, subject, sid }: Account,
  tokens: Tokens,
): Promise<void> {
  const db = await database();
  const nowMs = Date.now();
  await db
    .insertInto('provider_sessions')
    .values({
      session_id: sessionId,
      provider,
      issuer,
      subject,
      sid,
      sealed_tokens: sealJson(PURPOSE, tokens),
      checked_at_ms: nowMs,
      check_at_ms: nowMs + config().oidc.checkMs / 2,
      claimed_until_ms: 0,
      problem: null,
      failing_since_ms: null,
      ended: null,
    })
    .execute();
}

export async function findProviderSession(sessionId: string): Promise<ProviderSession | null> {
  const db = await database();
  const row = await db
    .selectFrom('provider_sessions')
    .selectAll()
    .where('session_id', '=', sessionId)
    .executeTakeFirst();
  return row ? sessionOf(row) : null;
}

/** Whether a session is still confirmed by its provider: not ended there, and checked recently enough. */
export function isConfirmed({ ended, checkedAtMs, provider, issuer }: ProviderSession): boolean {
  const { providers, checkMs } = config().oidc;
  const isConfigured = providers.some((each) => each.name === provider && each.issuer === issuer);
  return ended === null && isConfigured && checkedAtMs + checkMs > Date.now();
}

/** The sessions of an account, or the one that the provider knows as `sid`. */
export async function sessionsAt(
  issuer: string,
  { subject, sid }: { subject: string | null; sid: string | null },
): Promise<string[]> {
  const db = await database();
  let query = db
    .selectFrom('provider_sessions')
    .select('session_id')
    .where('issuer', '=', issuer)
    .where('ended', 'is', null);
  if (subject !== null) query = query.where('subject', '=', subject);
  if (sid !== null) query = query.where('sid', '=', sid);
  return (await query.execute()).map(({ session_id }) => session_id);
}

/**
 * Takes the due checks for this process, so that no other one uses the same refresh token. Leaves out sessions that have
 * ended in any way.
 */
export async function claimDueChecks(limit: number): Promise<ProviderSession[]> {
  const db = await database();
  const nowMs = Date.now();
  const due = await db
    .selectFrom('provider_sessions')
    .innerJoin('sessions', 'sessions.id', 'provider_sessions.session_id')
    .selectAll('provider_sessions')
    .where('ended', 'is', null)
    .where('check_at_ms', '<=', nowMs)
    .where('claimed_until_ms', '<=', nowMs)
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .orderBy('check_at_ms')
    .limit(limit)
    .execute();
  const claimed: ProviderSession[] = [];
  for (const row of due) {
    const { numUpdatedRows } = await db
      .updateTable('provider_sessions')
      .set({ claimed_until_ms: nowMs + CLAIM_MS })
      .where('session_id', '=', row.session_id)
      .where('claimed_until_ms', '=', row.claimed_until_ms)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) claimed.push(sessionOf(row));
  }
  return claimed;
}

/** When the next check is due, or `null` if there is nothing to check. */
export async function nextCheckAtMs(): Promise<number | null> {
  const db = await database();
  const row = await db
    .selectFrom('provider_sessions')
    .innerJoin('sessions', 'sessions.id', 'provider_sessions.session_id')
    .select(({ fn }) => fn.min('check_at_ms').as('at_ms'))
    .where('ended', 'is', null)
    .where('revoked_at_ms', 'is', null)
    .where('expires_at_ms', '>', Date.now())
    .executeTakeFirst();
  return row?.at_ms === null || row?.at_ms === undefined ? null : Number(row.at_ms);
}

type Change = Partial<
  Pick<ProviderSession, 'checkedAtMs' | 'problem' | 'failingSinceMs'> & { tokens: Tokens; checkAtMs: number }
>;

/** Keeps the result of a check. Releases the claim if it says when the next one is due. */
export async function changeProviderSession(sessionId: string, change: Change): Promise<void> {
  const { tokens, checkAtMs, checkedAtMs, problem, failingSinceMs } = change;
  const db = await database();
  await db
    .updateTable('provider_sessions')
    .set({
      ...(tokens && { sealed_tokens: sealJson(PURPOSE, tokens) }),
      ...(checkAtMs !== undefined && { check_at_ms: checkAtMs, claimed_until_ms: 0 }),
      ...(checkedAtMs !== undefined && { checked_at_ms: checkedAtMs }),
      ...(problem !== undefined && { problem }),
      ...(failingSinceMs !== undefined && { failing_since_ms: failingSinceMs }),
    })
    .where('session_id', '=', sessionId)
    .execute();
}

/** The person of a session that has not ended, for the access log. */
export async function personOf(sessionId: string): Promise<{ userId: string; actor: string } | null> {
  const db = await database();
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['user_id', 'users.name'])
    .where('sessions.id', '=', sessionId)
    .where('revoked_at_ms', 'is', null)
    .executeTakeFirst();
  return row ? { userId: row.user_id, actor: row.name } : null;
}

/** Keeps why a session has ended, and forgets its tokens. */
export async function endProviderSession(sessionId: string, ended: string): Promise<void> {
  const db = await database();
  await db
    .updateTable('provider_sessions')
    .set({ ended, sealed_tokens: null, check_at_ms: Date.now() })
    .where('session_id', '=', sessionId)
    .where('ended', 'is', null)
    .execute();
}

/** Forgets the tokens of sessions that have ended, and old sentences. */
export async function forgetEndedSessions(): Promise<void> {
  const db = await database();
  const nowMs = Date.now();
  await db
    .updateTable('provider_sessions')
    .set({ sealed_tokens: null })
    .where('sealed_tokens', 'is not', null)
    .where('session_id', 'not in', (sessions) =>
      sessions
        .selectFrom('sessions')
        .select('id')
        .where('revoked_at_ms', 'is', null)
        .where('expires_at_ms', '>', nowMs),
    )
    .execute();
  await db
    .deleteFrom('provider_sessions')
    .where('sealed_tokens', 'is', null)
    .where('check_at_ms', '<', nowMs - KEEP_ENDED_MS)
    .execute();
  await db.deleteFrom('used_logout_tokens').where('until_ms', '<', nowMs).execute();
}

function sessionOf(row: Selectable<Database['provider_sessions']>): ProviderSession {
  return {
    sessionId: row.session_id,
    provider: row.provider,
    issuer: row.issuer,
    subject: row.subject,
    tokens: openJson(PURPOSE, StoredTokens, row.sealed_tokens),
    checkedAtMs: Number(row.checked_at_ms),
    problem: row.problem,
    failingSinceMs: row.failing_since_ms === null ? null : Number(row.failing_since_ms),
    ended: row.ended,
  };
}
