import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Kysely, sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../scripts/lib/build.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import type { SandboxKey } from '../sandbox-key';
import { createPostgresDatabase, hasPostgres } from '../test-support/postgres';
import { openDatabase } from './client';
import type { Database } from './schema';

async function createFile() {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-migrations-'));
  return {
    url: `file:${join(dir, 'sandkeeper.db')}`,
    drop: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A row of each table of the version before the connections, as it wrote them. */
async function insertOldRows(old: Kysely<Database>): Promise<void> {
  for (const statement of [
    sql`insert into operations (id, act, params, actor, filter, state, created_at_ms, finished_at_ms, reason)
      values ('o1', 'run', '{}', 'ana', 's1 s2', 'finished', 1, 2, 'old')`,
    sql`insert into operation_items (operation_id, sandbox_id, position, sandbox, outcome, updated_at_ms)
      values ('o1', 's1', 0, '{"id":"s1"}', 'done', 2), ('o1', 's2', 1, '{"id":"s2"}', 'failed', 2)`,
    sql`insert into operation_commands (operation_id, sandbox_id, started_at_ms, ending, exit_code)
      values ('o1', 's1', 1, 'exited', 0)`,
    sql`insert into operation_plans (id, session_id, plan, expires_at_ms)
      values ('p1', 'session', '{"items":[{"sandboxId":"s1"}]}', 9999999999999)`,
    sql`insert into access_log (id, at_ms, actor, kind, sandbox_id, path, detail, request)
      values ('a1', 5, 'ana', 'exported', 's1', '/a', 'b', 'o1')`,
    sql`insert into wake_leases
      values ('s1', 'w1', 'awake', 'ana', 1, 2, 1, 3, 4, null, null, 'host/1/a', 5)`,
    sql`insert into wake_viewers (sandbox_id, process, viewers, until_ms) values ('s1', 'host/1/a', '[]', 5)`,
    sql`insert into upload_drafts (sandbox_id, path, target, actor, claimed_by, claimed_until_ms)
      values ('s1', '/.a.part', '/a', 'ana', 'host/1/a', 5)`,
    sql`insert into archive_programs (sandbox_id, tag, claimed_by, claimed_until_ms)
      values ('s1', 'archive-1', 'host/1/a', 5)`,
    sql`insert into first_starts (sandbox_id, first_started_at_ms, gone_at_ms)
      values ('s1', 1, null), ('s2', 1, 2)`,
  ]) {
    await statement.execute(old);
  }
}

const TABLES_OF_SANDBOXES = [
  'operation_items',
  'operation_commands',
  'access_log',
  'wake_leases',
  'wake_viewers',
  'upload_drafts',
  'archive_programs',
  'first_starts',
] as const;

/** The keys of the sandboxes in each table that has a column for them. */
async function keysByTable(db: Kysely<Database>): Promise<Record<string, (SandboxKey | null)[]>> {
  const entries = TABLES_OF_SANDBOXES.map(async (table) => {
    const rows = await db.selectFrom(table).select('sandbox_key').orderBy('sandbox_key').execute();
    return [table, rows.map(({ sandbox_key }) => sandbox_key)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

const PROCESSES = 6;

const kinds = [
  { kind: 'libsql', create: createFile },
  ...(hasPostgres ? [{ kind: 'PostgreSQL', create: createPostgresDatabase }] : []),
];

describe.each(kinds)('a database of an earlier version ($kind)', ({ create }) => {
  it('keeps its wakes, viewers and command results when their tables are renamed', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '005_runs' });
    await sql`insert into review_leases values
      ('s1', 'w1', 'awake', 'ana', 1768478400123, 287000, 1, 1768478400200, 1768478687200, null, null, 'host/1/a', 1768478415123),
      ('s2', 'w2', 'ended', 'li', 1, 2, 0, 3, 4, '{"how":"time"}', 'none', 'host/1/a', 5)`.execute(old);
    await sql`insert into review_viewers values ('s1', 'host/1/a', '[]', 1768478412123)`.execute(old);
    await sql`insert into operation_runs values
      ('o1', 's1', 1768478400123, 'exited', 3, null, 40, '{}', '{}', '[]', 'f')`.execute(old);
    await old.destroy();

    const db = await openDatabase(url);
    onTestFinished(() => db.destroy());
    expect(await db.selectFrom('wake_leases').selectAll().orderBy('sandbox_key').execute()).toEqual([
      {
        sandbox_key: 'local/s1',
        id: 'w1',
        state: 'awake',
        actor_id: 'local-admin',
        actor: 'ana',
        begun_at_ms: 1_768_478_400_123,
        timeout_ms: 287_000,
        is_guarded: 1,
        run_started_at_ms: 1_768_478_400_200,
        ends_at_ms: 1_768_478_687_200,
        ending: null,
        problem: null,
        claimed_by: 'host/1/a',
        claimed_until_ms: 1_768_478_415_123,
      },
      expect.objectContaining({ sandbox_key: 'local/s2', ending: '{"how":"time"}', problem: 'none' }),
    ]);
    expect(await db.selectFrom('wake_viewers').selectAll().execute()).toEqual([
      { sandbox_key: 'local/s1', process: 'host/1/a', viewers: '[]', until_ms: 1_768_478_412_123 },
    ]);
    expect(await db.selectFrom('operation_commands').selectAll().execute()).toEqual([
      expect.objectContaining({
        operation_id: 'o1',
        sandbox_key: 'local/s1',
        exit_code: 3,
        fingerprint: 'f',
      }),
    ]);
  });

  it('puts everything of its sandboxes under the first connection, and forgets pending plans', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '015_view_names' });
    await insertOldRows(old);
    await old.destroy();

    const db = await openDatabase(url, { firstConnection: 'moru' });
    onTestFinished(() => db.destroy());
    expect(await keysByTable(db)).toEqual({
      operation_items: ['moru/s1', 'moru/s2'],
      operation_commands: ['moru/s1'],
      access_log: ['moru/s1'],
      wake_leases: ['moru/s1'],
      wake_viewers: ['moru/s1'],
      upload_drafts: ['moru/s1'],
      archive_programs: ['moru/s1'],
      first_starts: ['moru/s1', 'moru/s2'],
    });
    expect(await db.selectFrom('access_log').selectAll().execute()).toMatchObject([
      {
        id: 'a1',
        at_ms: 5,
        actor: 'ana',
        kind: 'exported',
        connection: 'moru',
        path: '/a',
        detail: 'b',
        request: 'o1',
      },
    ]);
    expect(await db.selectFrom('operations').select(['id', 'filter', 'reason']).execute()).toEqual([
      { id: 'o1', filter: 's1 s2', reason: 'old' },
    ]);
    expect(await db.selectFrom('operation_plans').selectAll().execute()).toEqual([]);
  });

  it('keeps its sandboxes where they are when it is opened with other connections later', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '015_view_names' });
    await insertOldRows(old);
    await old.destroy();
    for (const firstConnection of ['moru', 'e2b']) {
      const db = await openDatabase(url, { firstConnection });
      expect((await keysByTable(db)).first_starts).toEqual(['moru/s1', 'moru/s2']);
      await db.destroy();
    }
  });

  it('gives everything recorded and saved so far to the local administrator, and ends the sessions', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '017_connection_tries' });
    for (const statement of [
      sql`insert into sessions (id, role, actor, token_fingerprint, created_at_ms, expires_at_ms)
        values ('s1', 'admin', 'admin', 'f', 1, 9999999999999)`,
      sql`insert into operations (id, act, params, actor, filter, state, created_at_ms, finished_at_ms, reason)
        values ('o1', 'kill', '{}', 'admin', '', 'finished', 1, 2, '')`,
      sql`insert into access_log (id, at_ms, actor, kind) values
        ('a1', 5, 'admin', 'searched'), ('a2', 6, null, 'review-paused')`,
      sql`insert into saved_views (id, name, query, is_shared, owner, created_at_ms)
        values ('v1', 'Mine', 'q=x', 0, 'admin', 1)`,
      sql`insert into start_views (actor, view_id) values ('admin', 'v1')`,
    ])
      await statement.execute(old);
    await old.destroy();

    const db = await openDatabase(url);
    onTestFinished(() => db.destroy());
    const people = await db.selectFrom('users').select(['id', 'name', 'is_disabled']).execute();
    expect(people).toEqual([{ id: 'local-admin', name: 'Local administrator', is_disabled: 0 }]);
    expect(await db.selectFrom('grants').select(['user_id', 'connection', 'role']).execute()).toEqual([
      { user_id: 'local-admin', connection: '*', role: 'admin' },
    ]);
    expect(await db.selectFrom('sessions').selectAll().execute()).toEqual([]);
    expect(await db.selectFrom('operations').select(['actor_id', 'actor']).execute()).toEqual([
      { actor_id: 'local-admin', actor: 'admin' },
    ]);
    expect(await db.selectFrom('access_log').select(['id', 'actor_id']).orderBy('id').execute()).toEqual([
      { id: 'a1', actor_id: 'local-admin' },
      { id: 'a2', actor_id: null },
    ]);
    expect(await db.selectFrom('saved_views').select('owner_id').execute()).toEqual([
      { owner_id: 'local-admin' },
    ]);
    expect(await db.selectFrom('start_views').selectAll().execute()).toEqual([
      { user_id: 'local-admin', view_id: 'v1' },
    ]);
  });

  it('keeps the primary keys of renamed tables', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const db = await openDatabase(url);
    onTestFinished(() => db.destroy());
    const insert = () =>
      db
        .insertInto('wake_viewers')
        .values({ sandbox_key: 'local/s1', process: 'p', viewers: '[]', until_ms: 1 })
        .execute();
    await insert();
    await expect(insert()).rejects.toThrow(/unique|duplicate/i);
  });

  it('keeps every view when names become unique, and numbers those that were double', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '014_archive_programs' });
    const long = 'n'.repeat(60);
    const views: [id: string, name: string, isShared: number, owner: string, createdAtMs: number][] = [
      ['newer', 'Old', 0, 'ana', 5],
      ['older', 'Old', 0, 'ana', 4],
      ['third', 'Old', 0, 'ana', 6],
      ['apart', 'Old (2)', 0, 'ana', 7],
      ['other', 'Old', 0, 'li', 1],
      ['shared', 'Old', 1, 'ana', 2],
      ['shared-too', 'Old', 1, 'li', 3],
      ['long', long, 0, 'ana', 8],
      ['long-too', long, 0, 'ana', 9],
    ];
    for (const view of views)
      await sql`insert into saved_views (id, name, query, is_shared, owner, created_at_ms)
        values (${view[0]}, ${view[1]}, 'q=x', ${view[2]}, ${view[3]}, ${view[4]})`.execute(old);
    await old.destroy();

    const db = await openDatabase(url);
    onTestFinished(() => db.destroy());
    const rows = await db.selectFrom('saved_views').select(['id', 'name']).execute();
    expect(Object.fromEntries(rows.map(({ id, name }) => [id, name]))).toEqual({
      older: 'Old',
      newer: 'Old (3)',
      third: 'Old (4)',
      apart: 'Old (2)',
      other: 'Old',
      shared: 'Old',
      'shared-too': 'Old (2)',
      long,
      'long-too': `${'n'.repeat(56)} (2)`,
    });
  });

  it('is unchanged after a migration that failed half way', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, { lastMigration: '005_runs' });
    await old.schema.alterTable('operation_runs').renameTo('mislaid').execute();
    await expect(openDatabase(url)).rejects.toThrow(/operation_runs/);
    await old.schema.alterTable('mislaid').renameTo('operation_runs').execute();
    expect((await sql`select * from review_leases`.execute(old)).rows).toEqual([]);
    await old.destroy();
    const db = await openDatabase(url);
    expect(await db.selectFrom('operation_commands').selectAll().execute()).toEqual([]);
    await db.destroy();
  });

  it('is migrated once when several processes open it at the same time', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    await bundle('lib/db/client.ts', 'build/test-migrations.mjs');
    const program = `
      import { openDatabase } from ${JSON.stringify(inRoot('build/test-migrations.mjs'))};
      const db = await openDatabase(${JSON.stringify(url)});
      await db.destroy();`;
    const run = promisify(execFile);
    await Promise.all(
      Array.from({ length: PROCESSES }, () => run(process.execPath, ['--input-type=module', '-e', program])),
    );
    const db = await openDatabase(url);
    expect(await db.selectFrom('wake_leases').selectAll().execute()).toEqual([]);
    await db.destroy();
  });
});
