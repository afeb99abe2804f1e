import 'server-only';
import { type Kysely, type Migration, type MigrationProvider, PostgresAdapter, sql } from 'kysely';
import { renameDoubleViews, type ViewsThen } from './double-views';
import { addSessionUse, createPeople, createSignIn } from './people-tables';
import { createSignInProviders } from './sign-in-tables';

/** The tables whose rows are of one sandbox. */
const SANDBOX_TABLES = [
  'operation_items',
  'operation_commands',
  'wake_leases',
  'wake_viewers',
  'upload_drafts',
  'archive_programs',
  'first_starts',
] as const;

/** Applied in order of name. Never change a migration that has shipped; add another. */
const migrationsFor = (firstConnection: string): Record<string, Migration> => ({
  '001_access_and_operations': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('sessions')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('token_fingerprint', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('revoked_at_ms', 'bigint')
        .execute();
      await db.schema
        .createTable('operations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('act', 'text', (column) => column.notNull())
        .addColumn('params', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('filter', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('finished_at_ms', 'bigint')
        .execute();
      await db.schema
        .createTable('operation_items')
        .addColumn('operation_id', 'text', (column) => column.notNull().references('operations.id'))
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('position', 'integer', (column) => column.notNull())
        .addColumn('sandbox', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('message', 'text')
        .addColumn('updated_at_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('operation_items_pk', ['operation_id', 'sandbox_id'])
        .execute();
      await db.schema
        .createIndex('operation_items_by_sandbox')
        .on('operation_items')
        .columns(['sandbox_id', 'updated_at_ms'])
        .execute();
      await db.schema.createIndex('operations_by_state').on('operations').column('state').execute();
    },
  },
  '002_bulk_operations': {
    async up(db: Kysely<unknown>) {
      const operations = () => db.schema.alterTable('operations');
      await operations()
        .addColumn('reason', 'text', (column) => column.notNull().defaultTo(''))
        .execute();
      await operations()
        .addColumn('starts_at_ms', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await operations().addColumn('cancelled_at_ms', 'bigint').execute();
      await operations().addColumn('cancelled_by', 'text').execute();
      await operations().addColumn('retry_of', 'text').execute();
      const items = () => db.schema.alterTable('operation_items');
      await items().addColumn('took_ms', 'integer').execute();
      await items().addColumn('claimed_by', 'text').execute();
      await items()
        .addColumn('claimed_until_ms', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .createTable('operation_plans')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('session_id', 'text', (column) => column.notNull())
        .addColumn('plan', 'text', (column) => column.notNull())
        .addColumn('expires_at_ms', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('operation_items_by_outcome')
        .on('operation_items')
        .columns(['operation_id', 'outcome', 'position'])
        .execute();
      await db.schema
        .createIndex('operations_by_time')
        .on('operations')
        .columns(['created_at_ms', 'id'])
        .execute();
    },
  },
  '003_review_and_access': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('access_log')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('at_ms', 'bigint', (column) => column.notNull())
        .addColumn('actor', 'text')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('path', 'text')
        .addColumn('detail', 'text')
        .execute();
      await db.schema.createIndex('access_log_by_time').on('access_log').columns(['at_ms', 'id']).execute();
      await db.schema
        .createIndex('access_log_by_sandbox')
        .on('access_log')
        .columns(['sandbox_id', 'at_ms'])
        .execute();
      await db.schema
        .createTable('review_leases')
        .addColumn('sandbox_id', 'text', (column) => column.primaryKey())
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('begun_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('timeout_ms', 'bigint', (column) => column.notNull())
        .addColumn('is_guarded', 'integer', (column) => column.notNull())
        .addColumn('run_started_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('ends_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('ending', 'text')
        .addColumn('problem', 'text')
        .addColumn('claimed_by', 'text', (column) => column.notNull())
        .addColumn('claimed_until_ms', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('review_viewers')
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('process', 'text', (column) => column.notNull())
        .addColumn('viewers', 'text', (column) => column.notNull())
        .addColumn('until_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('review_viewers_pk', ['sandbox_id', 'process'])
        .execute();
    },
  },
  '004_exports': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('operation_items').addColumn('saved', 'text').execute();
    },
  },
  '005_runs': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('operation_runs')
        .addColumn('operation_id', 'text', (column) => column.notNull())
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('started_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('ending', 'text')
        .addColumn('exit_code', 'integer')
        .addColumn('signal', 'text')
        .addColumn('took_ms', 'integer')
        .addColumn('stdout', 'text')
        .addColumn('stderr', 'text')
        .addColumn('excerpt', 'text')
        .addColumn('fingerprint', 'text')
        .addPrimaryKeyConstraint('operation_runs_pk', ['operation_id', 'sandbox_id'])
        .execute();
      await db.schema
        .createIndex('operation_runs_by_sandbox')
        .on('operation_runs')
        .columns(['sandbox_id', 'started_at_ms'])
        .execute();
    },
  },
  '006_plain_names': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('review_leases').renameTo('wake_leases').execute();
      await db.schema.alterTable('review_viewers').renameTo('wake_viewers').execute();
      await db.schema.alterTable('operation_runs').renameTo('operation_commands').execute();
      // An index keeps its name when its table is renamed, and SQLite cannot rename one.
      await db.schema.dropIndex('operation_runs_by_sandbox').execute();
      await db.schema
        .createIndex('operation_commands_by_sandbox')
        .on('operation_commands')
        .columns(['sandbox_id', 'started_at_ms'])
        .execute();
    },
  },
  '007_upload_drafts': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('upload_drafts')
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('path', 'text', (column) => column.notNull())
        .addColumn('target', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('claimed_by', 'text', (column) => column.notNull())
        .addColumn('claimed_until_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('upload_drafts_pk', ['sandbox_id', 'path'])
        .execute();
    },
  },
  '008_command_pids': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('operation_commands').addColumn('pid', 'integer').execute();
    },
  },
  '009_first_starts': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('first_starts')
        .addColumn('sandbox_id', 'text', (column) => column.primaryKey())
        .addColumn('first_started_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('gone_at_ms', 'bigint')
        .execute();
    },
  },
  '010_access_requests': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('access_log').addColumn('request', 'text').execute();
    },
  },
  '011_saved_views': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('saved_views')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('query', 'text', (column) => column.notNull())
        .addColumn('is_shared', 'integer', (column) => column.notNull())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('saved_views_by_owner')
        .on('saved_views')
        .columns(['owner', 'name'])
        .execute();
      await db.schema
        .createTable('start_views')
        .addColumn('actor', 'text', (column) => column.primaryKey())
        .addColumn('view_id', 'text', (column) => column.notNull())
        .execute();
    },
  },
  '012_try_now': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('operations').addColumn('try_now_at_ms', 'bigint').execute();
    },
  },
  '013_connections': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('connections')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('fields', 'text', (column) => column.notNull())
        .addColumn('sealed_key', 'text', (column) => column.notNull())
        .addColumn('sealed_under', 'text', (column) => column.notNull())
        .addColumn('key_tail', 'text')
        .addColumn('is_disabled', 'integer', (column) => column.notNull())
        .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('removed_at_ms', 'bigint')
        .execute();
    },
  },
  '014_archive_programs': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('archive_programs')
        .addColumn('sandbox_id', 'text', (column) => column.notNull())
        .addColumn('tag', 'text', (column) => column.notNull())
        .addColumn('claimed_by', 'text', (column) => column.notNull())
        .addColumn('claimed_until_ms', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('archive_programs_pk', ['sandbox_id', 'tag'])
        .execute();
    },
  },
  '015_view_names': {
    async up(db: Kysely<ViewsThen>) {
      await renameDoubleViews(db);
      const isShared = sql.ref('is_shared');
      const unique = (name: string) => db.schema.createIndex(name).on('saved_views').unique();
      await unique('saved_views_own_name').columns(['owner', 'name']).where(isShared, '=', 0).execute();
      await unique('saved_views_shared_name').column('name').where(isShared, '=', 1).execute();
    },
  },
  '016_sandbox_keys': {
    /** There was one connection so far: the sandboxes of all rows are put under the first. */
    async up(db: Kysely<unknown>) {
      for (const table of SANDBOX_TABLES) {
        await db.schema.alterTable(table).renameColumn('sandbox_id', 'sandbox_key').execute();
        await sql`update ${sql.table(table)} set sandbox_key = ${`${firstConnection}/`} || sandbox_key`.execute(
          db,
        );
      }
      await widenAccessLog(db, firstConnection);
      // Plans are confirmed within minutes, and name sandboxes in their text.
      await sql`delete from operation_plans`.execute(db);
    },
  },
  '017_connection_tries': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('connection_tries')
        .addColumn('connection', 'text', (column) => column.primaryKey())
        .addColumn('tried_at_ms', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema.alterTable('operations').dropColumn('try_now_at_ms').execute();
    },
  },
  '018_people': { up: createPeople },
  '019_operation_connections': {
    /** Says in one row which connection an operation concerns, because who may see it depends on all of them. */
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('operation_connections')
        .addColumn('operation_id', 'text', (column) => column.notNull())
        .addColumn('connection', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('operation_connections_pk', ['operation_id', 'connection'])
        .execute();
      const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter;
      const slash = sql.raw(isPostgres ? "strpos(sandbox_key, '/')" : "instr(sandbox_key, '/')");
      await sql`insert into operation_connections (operation_id, connection)
        select distinct operation_id, substr(sandbox_key, 1, ${slash} - 1) from operation_items`.execute(db);
    },
  },
  '020_audit_chain': {
    async up(db: Kysely<unknown>) {
      for (const column of ['address', 'user_agent', 'session_id', 'request_id', 'hash'])
        await db.schema.alterTable('access_log').addColumn(column, 'text').execute();
      await db.schema.alterTable('access_log').addColumn('seq', 'bigint').execute();
      await db.schema.createIndex('access_log_by_seq').on('access_log').column('seq').unique().execute();
      await db.schema
        .createTable('audit_head')
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('first_seq', 'bigint', (column) => column.notNull())
        .addColumn('before_hash', 'text', (column) => column.notNull())
        .execute();
      await sql`insert into audit_head (seq, hash, first_seq, before_hash) values (0, '', 1, '')`.execute(db);
    },
  },
  '021_connection_versions': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('connections')
        .addColumn('version', 'integer', (column) => column.notNull().defaultTo(1))
        .execute();
      await db.schema
        .alterTable('connections')
        .addColumn('changes', 'text', (column) => column.notNull().defaultTo('[]'))
        .execute();
    },
  },
  '022_bare_ids': {
    async up(db: Kysely<unknown>) {
      const bareId = sql`ltrim(sandbox_key, 'abcdefghijklmnopqrstuvwxyz0123456789-')`;
      const index = (table: string) => db.schema.createIndex(`${table}_by_bare_id`).on(table);
      await index('first_starts').expression(bareId).execute();
      await index('operation_items').expression(bareId).execute();
      await index('access_log').expression(bareId).execute();
    },
  },
  '023_sign_in': { up: createSignIn },
  '024_sign_in_providers': { up: createSignInProviders },
  '025_session_use': { up: addSessionUse },
});

/** Changes of a connection, and others without a sandbox, are recorded too. SQLite cannot make a column optional. */
async function widenAccessLog(db: Kysely<unknown>, firstConnection: string): Promise<void> {
  await db.schema
    .createTable('wider_access_log')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('connection', 'text')
    .addColumn('sandbox_key', 'text')
    .addColumn('path', 'text')
    .addColumn('detail', 'text')
    .addColumn('request', 'text')
    .execute();
  await sql`insert into wider_access_log
    select id, at_ms, actor, kind, ${firstConnection}, ${`${firstConnection}/`} || sandbox_id, path, detail, request
    from access_log`.execute(db);
  await db.schema.dropTable('access_log').execute();
  await db.schema.alterTable('wider_access_log').renameTo('access_log').execute();
  await db.schema.createIndex('access_log_by_time').on('access_log').columns(['at_ms', 'id']).execute();
  await db.schema
    .createIndex('access_log_by_sandbox')
    .on('access_log')
    .columns(['sandbox_key', 'at_ms'])
    .execute();
}

/** `firstConnection`: the connection that the sandboxes of earlier versions are in. */
export function migrations(firstConnection: string): MigrationProvider {
  return { getMigrations: async () => migrationsFor(firstConnection) };
}
