import 'server-only';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import { ConnectionChange, ConnectionFields, type ConnectionView, keyTail } from '../connection';
import { database } from '../db/client';
import type { Database } from '../db/schema';
import { SandkeeperError } from '../errors';
import type { KeySeal } from './seal';

/** A connection of the settings, with its key. Stays on the server. */
export type StoredConnection = ConnectionView & {
  source: 'settings';
  /** `null` if it was sealed under another secret key. */
  key: string | null;
};

type Row = Selectable<Database['connections']>;

/** The connections that were added in the settings, by name. */
export async function listStored(seal: KeySeal): Promise<StoredConnection[]> {
  const db = await database();
  const rows = await db
    .selectFrom('connections')
    .selectAll()
    .where('removed_at_ms', 'is', null)
    .orderBy('name')
    .execute();
  return rows.flatMap((row) => readRow(row, seal) ?? []);
}

function readRow(row: Row, seal: KeySeal): StoredConnection | null {
  const fields = ConnectionFields.safeParse(withoutNulls(JSON.parse(row.fields)));
  if (!fields.success) {
    console.error(`The connection ${row.name} has fields that this version does not know.`);
    return null;
  }
  return {
    ...fields.data,
    source: 'settings',
    key: row.sealed_under === seal.fingerprint ? seal.open(row.name, row.sealed_key) : null,
    keyTail: row.key_tail,
    isDisabled: row.is_disabled === 1,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    version: row.version,
    changes: readChanges(row.changes),
  };
}

/** Stored fields are complete, with `null` for those that were left out. */
const withoutNulls = (fields: object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

const sealed = (seal: KeySeal, name: string, key: string) => ({
  sealed_key: seal.seal(name, key),
  sealed_under: seal.fingerprint,
  key_tail: keyTail(key),
});

/** @throws SandkeeperError `conflict` if the name is taken, or was taken by a connection that is now removed */
export async function addConnection(
  seal: KeySeal,
  fields: ConnectionFields,
  key: string,
  actor: string,
): Promise<void> {
  const db = await database();
  const added = await db
    .insertInto('connections')
    .values({
      name: fields.name,
      fields: JSON.stringify(fields),
      ...sealed(seal, fields.name, key),
      is_disabled: 0,
      created_at_ms: Date.now(),
      created_by: actor,
      removed_at_ms: null,
      version: 1,
      changes: '[]',
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .executeTakeFirst();
  if (Number(added.numInsertedOrUpdatedRows ?? 0) > 0) return;
  throw nameTaken(fields.name);
}

/** Whether a connection has or had this name. */
export async function isNameTaken(name: string): Promise<boolean> {
  const db = await database();
  const row = await db.selectFrom('connections').select('name').where('name', '=', name).executeTakeFirst();
  return row !== undefined;
}

export function nameTaken(name: string): SandkeeperError {
  return new SandkeeperError(
    'conflict',
    `The name ${name} is taken, perhaps by a removed connection whose history stays. Choose another name.`,
  );
}

/** `version`: the one that the person saw; `null`: whatever it is. `what` as in `ConnectionChange`. */
export type Edit = { version: number | null; by: string; what: string };

/**
 * The changes below resolve to `false`, and change nothing, unless the version is the present one. They throw a
 * SandkeeperError `not_found` if the connection does not exist.
 */

/** Replaces everything but the name, and the key if there is a `newKey`. */
export function editConnection(
  fields: ConnectionFields,
  edit: Edit,
  newKey?: { seal: KeySeal; key: string },
): Promise<boolean> {
  return change(fields.name, edit, {
    fields: JSON.stringify(fields),
    ...(newKey && sealed(newKey.seal, fields.name, newKey.key)),
  });
}

/** Replaces the key. Requests that are under way go on with the old one. */
export function rotateKey(seal: KeySeal, name: string, key: string, edit: Edit): Promise<boolean> {
  return change(name, edit, sealed(seal, name, key));
}

/** A disabled connection sends no requests and keeps its key. */
export function setDisabled(name: string, isDisabled: boolean, edit: Edit): Promise<boolean> {
  return change(name, edit, { is_disabled: isDisabled ? 1 : 0 });
}

/** Deletes the key. Operations and records keep the name. */
export function removeConnection(name: string, edit: Edit): Promise<boolean> {
  return change(name, edit, { removed_at_ms: Date.now(), sealed_key: '', key_tail: null });
}

/** The last change of a connection, which may be its removal. `null` if there was none. */
export async function lastChangeOf(name: string): Promise<ConnectionChange | null> {
  const db = await database();
  const row = await db
    .selectFrom('connections')
    .select('changes')
    .where('name', '=', name)
    .executeTakeFirst();
  return row === undefined ? null : (readChanges(row.changes).at(-1) ?? null);
}

/** Enough to tell what happened while a form was open. */
const MAX_CHANGES = 20;

async function change(
  name: string,
  { version: expected, by, what }: Edit,
  values: Partial<Omit<Row, 'name' | 'version' | 'changes'>>,
): Promise<boolean> {
  const db = await database();
  for (;;) {
    const row = await db
      .selectFrom('connections')
      .select(['version', 'changes'])
      .where('name', '=', name)
      .where('removed_at_ms', 'is', null)
      .executeTakeFirst();
    if (row === undefined)
      throw new SandkeeperError('not_found', `There is no connection named ${name}. Reload the page.`);
    if (expected !== null && row.version !== expected) return false;
    const version = row.version + 1;
    const changes = [...readChanges(row.changes), { version, by, atMs: Date.now(), what }];
    const { numUpdatedRows } = await db
      .updateTable('connections')
      .set({ ...values, version, changes: JSON.stringify(changes.slice(-MAX_CHANGES)) })
      .where('name', '=', name)
      .where('version', '=', row.version)
      .where('removed_at_ms', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return true;
  }
}

function readChanges(text: string): ConnectionChange[] {
  return z.array(ConnectionChange).safeParse(JSON.parse(text)).data ?? [];
}
