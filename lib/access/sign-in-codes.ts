import 'server-only';
import { createHash, randomBytes } from 'node:crypto';
import { config } from '../config';
import { database } from '../db/client';

/** Where a code was printed. The command works also where the link of the start is switched off. */
export type CodeSource = 'start' | 'command';

/** Why a code signs nobody in. `off`: the code is right, but links are switched off. */
export type CodeProblem = 'unknown' | 'used' | 'expired' | 'off';

const CODE_BYTES = 24;
export const CODE_LIFETIME_MS = 15 * 60_000;
/** For as long, an old code is told from one that never was. */
const REMEMBERED_MS = 7 * 24 * 60 * 60_000;

/** Makes a code that signs in one browser as the local administrator. Only its hash is stored. */
export async function issueCode(source: CodeSource): Promise<string> {
  const db = await database();
  const nowMs = Date.now();
  await db
    .deleteFrom('sign_in_codes')
    .where('expires_at_ms', '<', nowMs - REMEMBERED_MS)
    .execute();
  const code = randomBytes(CODE_BYTES).toString('base64url');
  await db
    .insertInto('sign_in_codes')
    .values({
      code_hash: hashOf(code),
      source,
      created_at_ms: nowMs,
      expires_at_ms: nowMs + CODE_LIFETIME_MS,
      used_at_ms: null,
    })
    .execute();
  return code;
}

/** Uses a code up. Of two requests with the same code, one gets `null`, and the other the problem. */
export async function redeemCode(code: string): Promise<CodeProblem | null> {
  const db = await database();
  const hash = hashOf(code);
  const nowMs = Date.now();
  const row = await db
    .selectFrom('sign_in_codes')
    .select(['source', 'expires_at_ms', 'used_at_ms'])
    .where('code_hash', '=', hash)
    .executeTakeFirst();
  if (!row) return 'unknown';
  if (row.used_at_ms !== null) return 'used';
  if (Number(row.expires_at_ms) <= nowMs) return 'expired';
  if (row.source !== 'command' && !config().signIn.hasLink) return 'off';
  const { numUpdatedRows } = await db
    .updateTable('sign_in_codes')
    .set({ used_at_ms: nowMs })
    .where('code_hash', '=', hash)
    .where('used_at_ms', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n ? null : 'used';
}

/** The address that exchanges a code for a session. The fragment reaches no server, proxy, log or `Referer`. */
export function linkWith(code: string, origin: string): string {
  return `${origin}/sign-in#code=${code}`;
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64url');
}
