import 'server-only';
import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  type Dialect,
  Kysely,
  Migrator,
  PostgresAdapter,
  PostgresDialect,
  type RawBuilder,
  sql,
} from 'kysely';
import Libsql from 'libsql';
import pg from 'pg';
import { config } from '../config';
import { LOCAL_NAME } from '../declared-connections';
import { singleton } from '../singleton';
import { type DiskReserve, diskReserve } from './disk-reserve';
import { EmbeddedDialect } from './embedded-dialect';
import { embeddedPath } from './embedded-path';
import { GuardedDialect } from './guarded-dialect';
import { migrations } from './migrations';
import type { Database } from './schema';

const MAX_MIGRATION_TRIES = 50;
const MIGRATION_RETRY_MS = 200;

type Options = {
  lastMigration?: string | undefined;
  reserve?: DiskReserve | null;
  firstConnection?: string;
};

/**
 * Opens the database at `url` (`postgres://…` or `file:…`) and migrates it to the newest schema, or up to `lastMigration`. The
 * sandboxes of versions with one connection are put under `firstConnection`. Throws when the database cannot be reached or has the schema of a newer version.
 */
export async function openDatabase(url: string, options: Options = {}): Promise<Kysely<Database>> {
  // The tables of a new version need space.
  options.reserve?.beforeTransaction();
  for (let tries = 1; ; tries += 1) {
    try {
      return await openOnce(url, options);
    } catch (error) {
      if (!isBusy(error) || tries >= MAX_MIGRATION_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, MIGRATION_RETRY_MS));
    }
  }
}

async function openOnce(
  url: string,
  { lastMigration, reserve = null, firstConnection = LOCAL_NAME }: Options,
): Promise<Kysely<Database>> {
  const db = new Kysely<Database>({
    dialect: new GuardedDialect(url.startsWith('file:') ? embedded(url) : postgres(url), reserve),
  });
  const migrator = new Migrator({ db, provider: migrations(firstConnection) });
  const { error } = await (lastMigration ? migrator.migrateTo(lastMigration) : migrator.migrateToLatest());
  if (!error) return db;
  await db.destroy();
  throw error;
}

/** Whether another process holds the embedded database, possibly to migrate it. */
function isBusy(error: unknown): boolean {
  return /^SQLITE_BUSY/.test((error as { code?: string }).code ?? '');
}

/** Whether a statement failed because it would have broken a unique index. */
export function isUniqueViolation(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE';
}

/**
 * The time by the clock of the database, epoch ms. All processes share that clock, while their own may differ. Every
 * evaluation within a statement may give a later time.
 */
export function databaseTimeMs(db: Kysely<Database>): RawBuilder<number> {
  return db.getExecutor().adapter instanceof PostgresAdapter
    ? sql<number>`cast(extract(epoch from clock_timestamp()) * 1000 as bigint)`
    : sql<number>`cast(unixepoch('subsec') * 1000 as integer)`;
}

/** The database of this process, opened at first use. After a failure, the next caller tries again. */
export function database(): Promise<Kysely<Database>> {
  const holder = singleton<{ opening: Promise<Kysely<Database>> | null }>('database', () => ({
    opening: null,
  }));
  holder.opening ??= openDatabase(config().databaseUrl, {
    reserve: diskReserve(),
    firstConnection: config().connections[0]?.name ?? LOCAL_NAME,
  }).then(
    (db) => {
      diskReserve()?.refill();
      return db;
    },
    (error) => {
      holder.opening = null;
      throw error;
    },
  );
  return holder.opening;
}

function embedded(url: string): Dialect {
  const path = embeddedPath(url) ?? url;
  mkdirSync(dirname(path), { recursive: true });
  const connection = new Libsql(path);
  try {
    chmodSync(path, 0o600);
    // First, because processes that start together wait for each other from here on.
    connection.pragma('busy_timeout = 5000');
    connection.pragma('journal_mode = WAL');
    // An operation must be on disk before its first request is sent. With a WAL, NORMAL may lose it in a power failure.
    connection.pragma('synchronous = FULL');
    connection.pragma('foreign_keys = ON');
  } catch (error) {
    connection.close();
    throw error;
  }
  return new EmbeddedDialect(connection);
}

function postgres(url: string): Dialect {
  // The driver returns bigint as text. All of ours are epoch ms, which fit a number.
  const types: pg.CustomTypesConfig = {
    getTypeParser: (oid, format) =>
      oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  };
  const pool = new pg.Pool({ connectionString: url, max: 5, types });
  // An unhandled error of an idle client would end the process. The pool opens another one when it needs it.
  pool.on('error', (error) => console.warn(`A connection to the database ended: ${error.message}`));
  // The same while it is in use. Its query then fails, and reports the error.
  pool.on('connect', (client) => client.on('error', () => {}));
  return new PostgresDialect({ pool });
}
