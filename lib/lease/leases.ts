import 'server-only';
import { type Kysely, type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import { database, databaseTimeMs } from '../db/client';
import type { Database } from '../db/schema';
import { hasEnded } from './owner';

/** The tables whose rows are leased, by the columns `claimed_by` and `claimed_until_ms`. */
type LeasedTable = 'operation_items' | 'upload_drafts' | 'archive_programs' | 'wake_leases';

/** Who takes a lease, and for how long unless it is renewed. */
export type LeaseTerms = { owner: string; leaseMs: number };

/**
 * Leases on the rows of one table. A row belongs to `claimed_by` until `claimed_until_ms` by the clock of the database, so
 * a process with a wrong clock neither takes a lease early nor keeps one for too long. Every write checks the owner.
 */
export class Leases<Table extends LeasedTable> {
  readonly #table: Table;
  readonly #isOpen: RawBuilder<SqlBool>;

  /** `isOpen` selects the rows that need an owner. It must be served by an index. */
  constructor(table: Table, isOpen: RawBuilder<SqlBool>) {
    this.#table = table;
    this.#isOpen = isOpen;
  }

  /** Selects the open rows without a lease that still runs. */
  isFree(db: Kysely<Database>): RawBuilder<SqlBool> {
    return sql<SqlBool>`(${this.#isOpen} and claimed_until_ms < ${databaseTimeMs(db)})`;
  }

  /** Leases the free rows that match `where` and returns them. Of two processes that try, one gets a row. */
  async acquire(
    { owner, leaseMs }: LeaseTerms,
    where: RawBuilder<SqlBool>,
  ): Promise<Selectable<Database[Table]>[]> {
    const db = await database();
    const { rows } = await sql<Selectable<Database[Table]>>`
      update ${sql.table(this.#table)}
      set claimed_by = ${owner}, claimed_until_ms = ${databaseTimeMs(db)} + ${leaseMs}
      where ${this.isFree(db)} and ${where}
      returning *`.execute(db);
    return rows;
  }

  /** Extends every lease of `owner`, including expired ones that no other process has taken over. */
  async renew({ owner, leaseMs }: LeaseTerms): Promise<void> {
    const db = await database();
    await sql`
      update ${sql.table(this.#table)}
      set claimed_until_ms = ${databaseTimeMs(db)} + ${leaseMs}
      where ${this.#isOpen} and claimed_by = ${owner}`.execute(db);
  }

  /** Lets other processes take the rows of `owner`. `claimed_by` stays: the row may have been worked on. */
  async release(owner: string): Promise<void> {
    await sql`
      update ${sql.table(this.#table)}
      set claimed_until_ms = 0
      where ${this.#isOpen} and claimed_by = ${owner}`.execute(await database());
  }

  /** Releases the rows of processes of this machine that have ended, instead of waiting until their leases expire. */
  async releaseEnded(self: string): Promise<void> {
    for (const owner of await this.listOwners()) if (hasEnded(owner, self)) await this.release(owner);
  }

  /** The owners of open rows, apart from released ones. */
  async listOwners(): Promise<string[]> {
    const { rows } = await sql<{ claimed_by: string }>`
      select distinct claimed_by from ${sql.table(this.#table)}
      where ${this.#isOpen} and claimed_until_ms > 0 and claimed_by is not null`.execute(await database());
    return rows.map(({ claimed_by }) => claimed_by);
  }

  /** The open rows of `owner`, whether expired or not. */
  async listHeld(owner: string): Promise<Selectable<Database[Table]>[]> {
    const { rows } = await sql<Selectable<Database[Table]>>`
      select * from ${sql.table(this.#table)}
      where ${this.#isOpen} and claimed_by = ${owner}`.execute(await database());
    return rows;
  }
}
