import 'server-only';
import type {
  CompiledQuery,
  DatabaseConnection,
  DatabaseIntrospector,
  Dialect,
  DialectAdapter,
  Driver,
  Kysely,
  QueryCompiler,
  QueryResult,
  TransactionSettings,
} from 'kysely';

/** Called before queries that write. */
export type WriteGuard = { beforeStatement: (textChars: number) => void; beforeTransaction: () => void };

/**
 * A dialect whose text parameters contain no NUL: PostgreSQL refuses it and libsql cuts the text there, so it is replaced
 * in what is stored and in what is searched alike.
 */
export class GuardedDialect implements Dialect {
  readonly #inner: Dialect;
  readonly #guard: WriteGuard | null;

  constructor(inner: Dialect, guard: WriteGuard | null) {
    this.#inner = inner;
    this.#guard = guard;
  }

  createDriver(): Driver {
    return new GuardedDriver(this.#inner.createDriver(), this.#guard);
  }
  createAdapter(): DialectAdapter {
    return this.#inner.createAdapter();
  }
  createQueryCompiler(): QueryCompiler {
    return this.#inner.createQueryCompiler();
  }
  // biome-ignore lint/suspicious/noExplicitAny: the interface of Kysely.
  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return this.#inner.createIntrospector(db);
  }
}

class GuardedDriver implements Driver {
  readonly #inner: Driver;
  readonly #guard: WriteGuard | null;

  constructor(inner: Driver, guard: WriteGuard | null) {
    this.#inner = inner;
    this.#guard = guard;
  }

  init(): Promise<void> {
    return this.#inner.init();
  }
  async acquireConnection(): Promise<DatabaseConnection> {
    return new GuardedConnection(await this.#inner.acquireConnection(), this.#guard);
  }
  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    this.#guard?.beforeTransaction();
    return this.#inner.beginTransaction(innerOf(connection), settings);
  }
  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#inner.commitTransaction(innerOf(connection));
  }
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#inner.rollbackTransaction(innerOf(connection));
    } catch (error) {
      // SQLite has already rolled back, for example on a full disk. This error would hide that one.
      if (!/no transaction is active/.test(String(error))) throw error;
    }
  }
  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#inner.releaseConnection(innerOf(connection));
  }
  destroy(): Promise<void> {
    return this.#inner.destroy();
  }
}

class GuardedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #guard: WriteGuard | null;

  constructor(inner: DatabaseConnection, guard: WriteGuard | null) {
    this.inner = inner;
    this.#guard = guard;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.#guard && !/^\s*(select|begin|commit|rollback|pragma)\b/i.test(query.sql)) {
      this.#guard.beforeStatement(textCharsOf(query));
    }
    return this.inner.executeQuery<R>(storable(query));
  }
  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.inner.streamQuery<R>(storable(query), chunkSize ?? 100);
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof GuardedConnection ? connection.inner : connection;
}

function textCharsOf({ parameters }: CompiledQuery): number {
  return parameters.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
}

function storable(query: CompiledQuery): CompiledQuery {
  const { parameters } = query;
  if (!parameters.some((value) => typeof value === 'string' && value.includes('\0'))) return query;
  return {
    ...query,
    parameters: parameters.map((value) =>
      typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value,
    ),
  };
}
