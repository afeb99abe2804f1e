import 'server-only';
import type { Selectable } from 'kysely';
import { ConnectionFields, type ConnectionView, keyTail } from '../connection';
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

/** Replaces everything but the name, and the key if there is a `newKey`. @throws SandkeeperError `not_found` */
export async function editConnection(
  fields: ConnectionFields,
  newKey?: { seal: KeySeal; key: string },
): Promise<void> {
  await change(fields.name, {
    fields: JSON.stringify(fields),
    ...(newKey && sealed(newKey.seal, fields.name, newKey.key)),
  });
}

/** Replaces the key. Requests that are under way go on with the old one. @throws SandkeeperError `not_found` */
export async function rotateKey(seal: KeySeal, name: string, key: string): Promise<void> {
  await change(name, sealed(seal, name, key));
}

/** A disabled connection sends no requests and keeps its key. @throws SandkeeperError `not_found` */
export async function setDisabled(name: string, isDisabled: boolean): Promise<void> {
  await change(name, { is_disabled: isDisabled ? 1 : 0 });
}

/** Deletes the key. Operations and records keep the name. @throws SandkeeperError `not_found` */
export async function removeConnection(name: string): Promise<void> {
  await change(name, { removed_at_ms: Date.now(), sealed_key: '', key_tail: null });
}

async function change(name: string, values: Partial<Omit<Row, 'name'>>): Promise<void> {
  const db = await database();
  const { numUpdatedRows } = await db
    .updateTable('connections')
    .set(values)
    .where('name', '=', name)
    .where('removed_at_ms', 'is', null)
    .executeTakeFirst();
  if (numUpdatedRows === 0n)
    throw new SandkeeperError('not_found', `There is no connection named ${name}. Reload the page.`);
}
