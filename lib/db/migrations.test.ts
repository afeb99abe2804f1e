import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../scripts/lib/build.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { createPostgresDatabase, hasPostgres } from '../test-support/postgres';
import { openDatabase } from './client';

async function createFile() {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-migrations-'));
  return {
    url: `file:${join(dir, 'sandkeeper.db')}`,
    drop: async () => rmSync(dir, { recursive: true, force: true }),
  };
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
    const old = await openDatabase(url, '005_runs');
    await sql`insert into review_leases values
      ('s1', 'w1', 'awake', 'ana', 1768478400123, 287000, 1, 1768478400200, 1768478687200, null, null, 'host/1/a', 1768478415123),
      ('s2', 'w2', 'ended', 'li', 1, 2, 0, 3, 4, '{"how":"time"}', 'none', 'host/1/a', 5)`.execute(old);
    await sql`insert into review_viewers values ('s1', 'host/1/a', '[]', 1768478412123)`.execute(old);
    await sql`insert into operation_runs values
      ('o1', 's1', 1768478400123, 'exited', 3, null, 40, '{}', '{}', '[]', 'f')`.execute(old);
    await old.destroy();

    const db = await openDatabase(url);
    onTestFinished(() => db.destroy());
    expect(await db.selectFrom('wake_leases').selectAll().orderBy('sandbox_id').execute()).toEqual([
      {
        sandbox_id: 's1',
        id: 'w1',
        state: 'awake',
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
      expect.objectContaining({ sandbox_id: 's2', ending: '{"how":"time"}', problem: 'none' }),
    ]);
    expect(await db.selectFrom('wake_viewers').selectAll().execute()).toEqual([
      { sandbox_id: 's1', process: 'host/1/a', viewers: '[]', until_ms: 1_768_478_412_123 },
    ]);
    expect(await db.selectFrom('operation_commands').selectAll().execute()).toEqual([
      expect.objectContaining({ operation_id: 'o1', sandbox_id: 's1', exit_code: 3, fingerprint: 'f' }),
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
        .values({ sandbox_id: 's1', process: 'p', viewers: '[]', until_ms: 1 })
        .execute();
    await insert();
    await expect(insert()).rejects.toThrow(/unique|duplicate/i);
  });

  it('keeps every view when names become unique, and numbers those that were double', async () => {
    const { url, drop } = await create();
    onTestFinished(drop);
    const old = await openDatabase(url, '014_archive_programs');
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
    const old = await openDatabase(url, '005_runs');
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
