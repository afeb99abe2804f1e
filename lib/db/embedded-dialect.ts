import 'server-only';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
} from 'kysely';
import type Libsql from 'libsql';

const READS = /^\s*(select|pragma)\b/i;

/** The embedded database. Every change takes the lock for writing before its first statement. */
export class EmbeddedDialect extends SqliteDialect {
  readonly #database: Libsql.Database;

  constructor(database: Libsql.Database) {
    super({ database: asSqlite(database) });
    this.#database = database;
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }

  override createDriver(): Driver {
    return new LockingDriver(this.#database);
  }
}

/** Migrates in one transaction, so that a crash or a race leaves no partial migration. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * Waits for other processes only in `begin immediate`, for two reasons. A transaction that reads first is refused its first
 * write, without waiting, if another process has written since (SQLITE_BUSY_SNAPSHOT). And libsql leaves a prepared statement
 * that was refused unfinished: until it is collected as garbage, the connection reports success for later changes and does
 * not commit them. `exec` finishes its statements.
 */
class LockingDriver extends SqliteDriver {
  readonly #database: Libsql.Database;
  #isInTransaction = false;

  constructor(database: Libsql.Database) {
    super({ database: asSqlite(database) });
    this.#database = database;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const inner = await super.acquireConnection();
    return {
      executeQuery: (query) => this.#execute(inner, query),
      streamQuery: (query, chunkSize) => inner.streamQuery(query, chunkSize),
    };
  }

  override async beginTransaction(): Promise<void> {
    this.#database.exec('begin immediate');
    this.#isInTransaction = true;
  }

  override async commitTransaction(): Promise<void> {
    this.#database.exec('commit');
    this.#isInTransaction = false;
  }

  override async rollbackTransaction(): Promise<void> {
    this.#isInTransaction = false;
    this.#database.exec('rollback');
  }

  async #execute<R>(inner: DatabaseConnection, query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#isInTransaction || READS.test(query.sql)) return inner.executeQuery<R>(query);
    this.#database.exec('begin immediate');
    try {
      const result = await inner.executeQuery<R>(query);
      this.#database.exec('commit');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('rollback');
    } catch {
      // SQLite has already rolled back, for example on a full disk.
    }
  }
}

/** libsql has the interface of better-sqlite3, which Kysely expects. */
function asSqlite(database: Libsql.Database): SqliteDatabase {
  return database as unknown as SqliteDatabase;
}
