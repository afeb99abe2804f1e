import 'server-only';
import { type Kysely, sql } from 'kysely';

/** Steps of the migrations that concern people and their sessions. */

/** As in `lib/access/users.ts`, which may change. */
const LOCAL_ADMIN_ID = 'local-admin';

async function createPersons(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('email', 'text')
    .addColumn('picture', 'text')
    .addColumn('is_disabled', 'integer', (column) => column.notNull())
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_seen_at_ms', 'bigint')
    .execute();
  await db.schema
    .createTable('grants')
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('connection', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('granted_by', 'text', (column) => column.notNull())
    .addColumn('granted_at_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('grants_pk', ['user_id', 'connection'])
    .execute();
  const nowMs = Date.now();
  await sql`insert into users (id, name, is_disabled, created_at_ms)
    values (${LOCAL_ADMIN_ID}, 'Local administrator', 0, ${nowMs})`.execute(db);
  await sql`insert into grants (user_id, connection, role, granted_by, granted_at_ms)
    values (${LOCAL_ADMIN_ID}, '*', 'admin', 'Sandkeeper', ${nowMs})`.execute(db);
}

/** Everybody signs in again: sessions belonged to nobody. */
async function recreateSessions(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('sessions').execute();
  await db.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('method', 'text', (column) => column.notNull())
    .addColumn('token_fingerprint', 'text')
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('revoked_at_ms', 'bigint')
    .execute();
  await db.schema.createIndex('sessions_by_user').on('sessions').column('user_id').execute();
}

/** Everybody was the administrator of the sign-in link so far: what is recorded and saved is theirs. */
export async function createPeople(db: Kysely<unknown>): Promise<void> {
  await createPersons(db);
  await recreateSessions(db);
  for (const table of ['operations', 'access_log', 'wake_leases']) {
    await db.schema.alterTable(table).addColumn('actor_id', 'text').execute();
    await sql`update ${sql.table(table)} set actor_id = ${LOCAL_ADMIN_ID} where actor is not null`.execute(
      db,
    );
  }
  await db.schema.alterTable('saved_views').renameColumn('owner', 'owner_id').execute();
  await sql`update saved_views set owner_id = ${LOCAL_ADMIN_ID} where owner_id = 'admin'`.execute(db);
  await db.schema.alterTable('start_views').renameColumn('actor', 'user_id').execute();
  await sql`update start_views set user_id = ${LOCAL_ADMIN_ID} where user_id = 'admin'`.execute(db);
}

export async function createSignIn(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_in_codes')
    .addColumn('code_hash', 'text', (column) => column.primaryKey())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('used_at_ms', 'bigint')
    .execute();
  await db.schema
    .createTable('sign_in_failures')
    .addColumn('limit_key', 'text', (column) => column.primaryKey())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_at_ms', 'bigint', (column) => column.notNull())
    .execute();
}

export async function addSessionUse(db: Kysely<unknown>): Promise<void> {
  const sessions = db.schema.alterTable('sessions');
  await sessions.addColumn('last_seen_at_ms', 'bigint', (column) => column.notNull().defaultTo(0)).execute();
  for (const column of ['address', 'user_agent', 'ended_by'])
    await sessions.addColumn(column, 'text').execute();
  await sql`update sessions set last_seen_at_ms = created_at_ms`.execute(db);
  const operations = db.schema.alterTable('operations');
  for (const column of ['session_id', 'cancel_reason']) await operations.addColumn(column, 'text').execute();
  await db.schema
    .createTable('access_changes')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('changes', 'integer', (column) => column.notNull())
    .execute();
  await sql`insert into access_changes (id, changes) values (1, 0)`.execute(db);
}
