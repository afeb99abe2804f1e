import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { describeOnDatabases } from '../test-support/databases';
import {
  eventually,
  localKey,
  restartProcess,
  setUpDataDir,
  simulateNewProcess,
} from '../test-support/environment';
import { database, openDatabase } from './client';

const dataDir = setUpDataDir();

function tempFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-db-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'deep', 'keeper.db');
}

/** An address below something that is no directory. */
function inNoDirectory(): string {
  const plain = join(dirname(dirname(tempFile())), 'plain');
  writeFileSync(plain, '');
  return `file:${join(plain, 'keeper.db')}`;
}

const session = {
  id: 's1',
  user_id: 'ana',
  method: 'link',
  token_fingerprint: 'f',
  created_at_ms: 1_768_478_400_123,
  expires_at_ms: 1_768_478_400_124,
  revoked_at_ms: null,
  ended_by: null,
  last_seen_at_ms: 1,
  address: null,
  user_agent: null,
};

describeOnDatabases('openDatabase', (here) => {
  it('migrates the tables once', async () => {
    const db = await database();
    await db.insertInto('sessions').values(session).execute();
    const again = await openDatabase(here.url());
    expect(await again.selectFrom('sessions').selectAll().execute()).toEqual([session]);
    await again.destroy();
  });

  it('returns times as numbers', async () => {
    const row = await (await database()).selectFrom('sessions').select('created_at_ms').executeTakeFirst();
    expect(row).toEqual({ created_at_ms: 1_768_478_400_123 });
  });

  it('stores and finds whole text around a NUL', async () => {
    const db = await database();
    const cut = { ...session, id: 's2', user_id: 'ana\0 and bob' };
    await db.insertInto('sessions').values(cut).execute();
    const found = await db
      .selectFrom('sessions')
      .select('user_id')
      .where('user_id', '=', cut.user_id)
      .execute();
    expect(found).toEqual([{ user_id: 'ana\uFFFD and bob' }]);
    await db.deleteFrom('sessions').where('id', '=', 's2').execute();
  });

  it('refuses the tables of a newer version', async () => {
    const db = await database();
    await sql`insert into kysely_migration (name, timestamp) values ('999_later', '2030')`.execute(db);
    await expect(openDatabase(here.url())).rejects.toThrow(/999_later/);
    await sql`delete from kysely_migration where name = '999_later'`.execute(db);
  });

  it('rejects items of unknown operations', async () => {
    const item = {
      operation_id: 'none',
      sandbox_key: localKey('i0'),
      position: 0,
      sandbox: '{}',
      outcome: 'waiting',
      message: null,
      updated_at_ms: 1,
      took_ms: null,
      claimed_by: null,
      claimed_until_ms: 0,
    };
    const inserting = (await database()).insertInto('operation_items').values(item).execute();
    await expect(inserting).rejects.toThrow(/foreign key/i);
  });

  it('reconnects after the database has closed its connections', async () => {
    if (!here.url().startsWith('postgres')) return;
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const db = await database();
    const other = await openDatabase(here.url());
    const ended =
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`.execute(
        other,
      );
    await eventually(() => warn.mock.calls.length === ended.rows.length);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^A connection to the database ended: /);
    expect(await db.selectFrom('sessions').select('id').execute()).toEqual([{ id: 's1' }]);
    await other.destroy();
    warn.mockRestore();
  });

  it('fails a transaction whose connection the database closes between two queries, and nothing else', async () => {
    if (!here.url().startsWith('postgres')) return;
    const uncaught: unknown[] = [];
    const note = (error: unknown) => void uncaught.push(error);
    process.on('uncaughtException', note);
    onTestFinished(() => void process.off('uncaughtException', note));
    const db = await database();
    const cut = db.transaction().execute(async (transaction) => {
      const own = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
      const pid = own.rows[0]?.pid ?? 0;
      await sql`select pg_terminate_backend(${pid}, 10000)`.execute(db);
      await eventually(() =>
        transaction
          .selectFrom('sessions')
          .select('id')
          .execute()
          .then(...ENDED),
      );
    });
    await expect(cut).rejects.toThrow();
    expect(uncaught).toEqual([]);
    expect(await db.selectFrom('sessions').select('id').execute()).toEqual([{ id: 's1' }]);
  });
});

/** Whether a query has failed. */
const ENDED = [() => false, () => true] as const;

describe('an embedded database', () => {
  it('is readable only by its owner', async () => {
    const path = tempFile();
    const db = await openDatabase(`file:${path}`);
    await db.insertInto('sessions').values(session).execute();
    const modes = [path, `${path}-wal`].map((file) => (statSync(file).mode & 0o777).toString(8));
    expect(modes).toEqual(['600', '600']);
    await db.destroy();
  });

  it('syncs every commit to disk', async () => {
    const db = await openDatabase(`file:${tempFile()}`);
    const read = async (pragma: string) => (await sql.raw(`pragma ${pragma}`).execute(db)).rows;
    expect(await read('journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await read('synchronous')).toEqual([{ synchronous: 2 }]);
    await db.destroy();
  });

  it('lets a transaction write that has read first, and loses no change that follows a refused one', async () => {
    const path = tempFile();
    const [one, other] = [await openDatabase(`file:${path}`), await openDatabase(`file:${path}`)];
    // Two processes would wait for each other.
    await sql.raw('pragma busy_timeout = 0').execute(other);
    await one.transaction().execute(async (transaction) => {
      expect(await transaction.selectFrom('sessions').selectAll().execute()).toEqual([]);
      const meanwhile = other
        .insertInto('sessions')
        .values({ ...session, id: 's2' })
        .execute();
      await expect(meanwhile).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
      await transaction.insertInto('sessions').values(session).execute();
    });
    await other
      .insertInto('sessions')
      .values({ ...session, id: 's2' })
      .execute();
    expect(await one.selectFrom('sessions').select('id').orderBy('id').execute()).toEqual([
      { id: 's1' },
      { id: 's2' },
    ]);
    await one.destroy();
    await other.destroy();
  });

  it('throws if it cannot be opened', async () => {
    await expect(openDatabase(inNoDirectory())).rejects.toThrow();
  });
});

describe('database()', () => {
  it('is one connection per process, in the data directory', async () => {
    restartProcess();
    const [first, second] = await Promise.all([database(), database()]);
    expect(first).toBe(second);
    expect(statSync(join(dataDir.path, 'sandkeeper.db')).isFile()).toBe(true);
    await first.destroy();
  });

  it('retries after it could not be opened', async () => {
    const path = tempFile();
    simulateNewProcess({ DATABASE_URL: inNoDirectory() });
    const { database: failing } = await import('./client');
    await expect(failing()).rejects.toThrow();
    await expect(failing()).rejects.toThrow();
    simulateNewProcess({ DATABASE_URL: `file:${path}` });
    const { database: working } = await import('./client');
    await (await working()).destroy();
  });
});
