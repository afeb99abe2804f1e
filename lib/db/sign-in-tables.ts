import 'server-only';
import type { Kysely } from 'kysely';

/** The tables of sign-in with identity providers, for a migration that has shipped: never change them here. */
export async function createSignInProviders(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identities')
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('groups', 'text', (column) => column.notNull())
    .addColumn('checked_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('identities_pk', ['issuer', 'subject'])
    .execute();
  await db.schema.createIndex('identities_by_user').on('identities').column('user_id').execute();
  await db.schema
    .createTable('provider_sessions')
    .addColumn('session_id', 'text', (column) => column.primaryKey())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('sid', 'text')
    .addColumn('sealed_tokens', 'text')
    .addColumn('checked_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('check_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('claimed_until_ms', 'bigint', (column) => column.notNull())
    .addColumn('problem', 'text')
    .addColumn('failing_since_ms', 'bigint')
    .addColumn('ended', 'text')
    .execute();
  for (const columns of [['issuer', 'subject'], ['check_at_ms']]) {
    await db.schema
      .createIndex(`provider_sessions_by_${columns.at(-1)}`)
      .on('provider_sessions')
      .columns(columns)
      .execute();
  }
  await db.schema
    .createTable('used_logout_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('until_ms', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('sign_in_tests')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('sealed_result', 'text', (column) => column.notNull())
    .addColumn('at_ms', 'bigint', (column) => column.notNull())
    .execute();
}
