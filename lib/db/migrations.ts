import 'server-only';
import type { Kysely, Migration, MigrationProvider } from 'kysely';

/** In order of name. A migration that has shipped never changes; a new one follows it. */
const MIGRATIONS: Record<string, Migration> = {
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
};

export const migrations: MigrationProvider = { getMigrations: async () => MIGRATIONS };
