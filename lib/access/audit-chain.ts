import 'server-only';
import { createHash } from 'node:crypto';
import type { Insertable, Kysely, Selectable } from 'kysely';
import { config } from '../config';
import { database } from '../db/client';
import type { Database } from '../db/schema';

/**
 * The chain of the audit log. Each entry carries a number and the hash of its fields together with the hash of the entry
 * before it, so that a changed, removed or inserted entry breaks the chain. Who can write to the database could rebuild the
 * whole chain: compare its last hash with a copy kept elsewhere, such as the lines that `SANDKEEPER_AUDIT_LOG=stdout` prints.
 */

type Row = Selectable<Database['access_log']>;
export type NewEntry = Omit<Insertable<Database['access_log']>, 'seq' | 'hash'>;

/** The fields under the hash, in this order. A new field goes to the end. */
const HASHED = [
  'id',
  'at_ms',
  'actor_id',
  'actor',
  'kind',
  'connection',
  'sandbox_key',
  'path',
  'detail',
  'request',
  'address',
  'user_agent',
  'session_id',
  'request_id',
] as const satisfies readonly (keyof Row)[];

/** Entries that a verification reads at a time. */
const BATCH_ROWS = 1_000;

function hashOf(previous: string, seq: number, entry: Pick<Row, (typeof HASHED)[number]>): string {
  const fields = HASHED.map((name) => (name === 'at_ms' ? Number(entry.at_ms) : entry[name]));
  return createHash('sha256')
    .update(JSON.stringify([previous, seq, ...fields]))
    .digest('hex');
}

/** Appends an entry. Entries of several processes follow each other: each waits for the head of the chain. */
export async function appendEntry(values: NewEntry): Promise<void> {
  const db = await database();
  const entry = await db.transaction().execute(async (transaction) => {
    // Locks the head until the end of the transaction.
    const head = await transaction
      .updateTable('audit_head')
      .set((row) => ({ seq: row('seq', '+', 1) }))
      .returning(['seq', 'hash'])
      .executeTakeFirstOrThrow();
    const stored = await transaction
      .insertInto('access_log')
      .values(values)
      .returningAll()
      .executeTakeFirstOrThrow();
    const seq = Number(head.seq);
    // The hash is of what the database returns, which may differ from what was given, such as text with a NUL.
    const hash = hashOf(head.hash, seq, stored);
    await transaction.updateTable('access_log').set({ seq, hash }).where('id', '=', stored.id).execute();
    await transaction.updateTable('audit_head').set({ hash }).execute();
    return { ...stored, seq, hash };
  });
  if (config().auditLog === 'stdout') process.stdout.write(`${auditLine(entry)}\n`);
}

/** An entry as a line of JSON, as it is printed and exported. */
function auditLine({
  at_ms,
  seq,
  actor_id,
  sandbox_key,
  user_agent,
  session_id,
  request_id,
  request,
  ...same
}: Row): string {
  return JSON.stringify({
    type: 'audit',
    seq: seq === null ? null : Number(seq),
    at: new Date(Number(at_ms)).toISOString(),
    person: actor_id,
    name: same.actor,
    action: same.kind,
    connection: same.connection,
    sandbox: sandbox_key,
    path: same.path,
    detail: same.detail,
    operation: request,
    address: same.address,
    agent: user_agent,
    session: session_id,
    request: request_id,
    hash: same.hash,
  });
}

/**
 * Deletes the oldest entries, as long as they are older than `beforeMs`. An older one that follows a newer one in the chain,
 * because clocks differ, stays until that one goes.
 */
export async function deleteEntriesBefore(beforeMs: number): Promise<void> {
  const db = await database();
  await db.transaction().execute(async (transaction) => {
    // Waits for entries that are being appended.
    const head = await transaction
      .updateTable('audit_head')
      .set((row) => ({ seq: row.ref('seq') }))
      .returning('seq')
      .executeTakeFirstOrThrow();
    await transaction
      .deleteFrom('access_log')
      .where('at_ms', '<', beforeMs)
      .where('seq', 'is', null)
      .execute();
    const kept = await transaction
      .selectFrom('access_log')
      .select((row) => row.fn.min('seq').as('seq'))
      .where('at_ms', '>=', beforeMs)
      .executeTakeFirst();
    const lastSeq = (kept?.seq == null ? Number(head.seq) + 1 : Number(kept.seq)) - 1;
    const last = await transaction
      .selectFrom('access_log')
      .select('hash')
      .where('seq', '=', lastSeq)
      .executeTakeFirst();
    if (last?.hash == null) return;
    const first = { first_seq: lastSeq + 1, before_hash: last.hash };
    await transaction.updateTable('audit_head').set(first).execute();
    await transaction.deleteFrom('access_log').where('seq', '<=', lastSeq).execute();
  });
}

/** `checked`: the entries of the chain. `older`: entries of versions without a chain. `problem` names the first break. */
export type Verification = { checked: number; older: number; lastHash: string; problem: string | null };

/** Computes the chain again, as it is when the verification starts. */
export async function verifyChain(): Promise<Verification> {
  const db = await database();
  for (;;) {
    const head = await db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow();
    const found = await verifyFrom(db, head);
    if (found.problem === null) return found;
    // Old entries may have been deleted meanwhile.
    const { first_seq } = await db.selectFrom('audit_head').select('first_seq').executeTakeFirstOrThrow();
    if (Number(first_seq) === Number(head.first_seq)) return found;
  }
}

async function verifyFrom(
  db: Kysely<Database>,
  head: Selectable<Database['audit_head']>,
): Promise<Verification> {
  const older = await countOlder(db);
  let hash = head.before_hash;
  let seq = Number(head.first_seq) - 1;
  let checked = 0;
  const end = (problem: string | null) => ({ checked, older, lastHash: hash, problem });
  for (;;) {
    const rows = await db
      .selectFrom('access_log')
      .selectAll()
      .where('seq', '>', seq)
      .where('seq', '<=', Number(head.seq))
      .orderBy('seq')
      .limit(BATCH_ROWS)
      .execute();
    for (const row of rows) {
      const expected = seq + 1;
      if (Number(row.seq) !== expected) return end(missing(expected, Number(row.seq) - 1));
      const computed = hashOf(hash, expected, row);
      if (computed !== row.hash)
        return end(
          `Entry ${expected} (${new Date(Number(row.at_ms)).toISOString()}, ${row.kind}) was changed.`,
        );
      hash = computed;
      seq = expected;
      checked += 1;
    }
    if (rows.length < BATCH_ROWS) break;
  }
  if (seq !== Number(head.seq)) return end(missing(seq + 1, Number(head.seq)));
  return end(hash === head.hash ? null : 'The last entry does not match the head of the chain.');
}

function missing(from: number, to: number): string {
  return from === to ? `Entry ${from} is missing.` : `Entries ${from} to ${to} are missing.`;
}

async function countOlder(db: Kysely<Database>): Promise<number> {
  const { count } = await db
    .selectFrom('access_log')
    .select((row) => row.fn.countAll<number | string>().as('count'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}
