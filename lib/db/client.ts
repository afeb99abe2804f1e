import 'server-only';
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Dialect, Kysely, Migrator, PostgresDialect, type SqliteDatabase, SqliteDialect } from 'kysely';
import Libsql from 'libsql';
import pg from 'pg';
import { config } from '../config';
import { singleton } from '../singleton';
import { migrations } from './migrations';
import type { Database } from './schema';

/**
 * Opens the database at `url` (`postgres://…` or `file:…`) and brings its tables up to date.
 * Throws when it cannot be reached or holds a newer version's tables.
 */
export async function openDatabase(url: string): Promise<Kysely<Database>> {
  const db = new Kysely<Database>({ dialect: url.startsWith('file:') ? embedded(url) : postgres(url) });
  const { error } = await new Migrator({ db, provider: migrations }).migrateToLatest();
  if (!error) return db;
  await db.destroy();
  throw error;
}

/** One connection for this process, opened at first use. A failed opening is tried again by the next caller. */
export function database(): Promise<Kysely<Database>> {
  const holder = singleton<{ opening: Promise<Kysely<Database>> | null }>('database', () => ({
    opening: null,
  }));
  holder.opening ??= openDatabase(config().databaseUrl).catch((error) => {
    holder.opening = null;
    throw error;
  });
  return holder.opening;
}

function embedded(url: string): Dialect {
  const path = url.startsWith('file:///') ? fileURLToPath(url) : url.slice('file:'.length);
  mkdirSync(dirname(path), { recursive: true });
  const connection = new Libsql(path);
  chmodSync(path, 0o600);
  connection.pragma('journal_mode = WAL');
  // What an operation is about to do must be on the disk before its first request goes out, and be there after a loss of
  // power. In this mode of journal, NORMAL would only promise that the file stays readable.
  connection.pragma('synchronous = FULL');
  connection.pragma('busy_timeout = 5000');
  connection.pragma('foreign_keys = ON');
  // libsql follows better-sqlite3's interface, which is what this dialect asks for.
  return new SqliteDialect({ database: connection as unknown as SqliteDatabase });
}

function postgres(url: string): Dialect {
  // Times are stored as bigint, which the driver would hand over as text; epoch ms fit a number.
  const types: pg.CustomTypesConfig = {
    getTypeParser: (oid, format) =>
      oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  };
  const pool = new pg.Pool({ connectionString: url, max: 5, types });
  // Unheard, the end of an idle connection (a restart of the database, say) would end this process; a new one is opened.
  pool.on('error', (error) => console.warn(`A connection to the database ended: ${error.message}`));
  return new PostgresDialect({ pool });
}
