import 'server-only';
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { config } from '../config';
import { database, databaseTimeMs } from '../db/client';
import type { Database } from '../db/schema';
import { SandkeeperError } from '../errors';
import type { SandboxKey } from '../sandbox-key';
import { WorkLoop } from '../work-loop';
import { Leases } from './leases';
import { processOwner } from './owner';

/** The tables of things that this product leaves in sandboxes and removes again. */
type LeftoverTable = 'upload_drafts' | 'archive_programs';
type Row<Table extends LeftoverTable> = Selectable<Database[Table]> & { sandbox_key: SandboxKey };

type Options<Table extends LeftoverTable> = {
  table: Table;
  /** Names a row among those of its sandbox. */
  nameOf: (row: Row<Table>) => string;
  /** Removes from the sandbox what is left, and each row after it. Rejects if the sandbox cannot be reached. */
  clear: (sandboxKey: SandboxKey, rows: readonly Row<Table>[]) => Promise<void>;
  forget: (row: Row<Table>) => Promise<void>;
  failureMessage: string;
  owner?: string;
};

const LEASE_MS = 60_000;
const RENEW_EVERY_MS = 15_000;
const IDLE_MS = 60_000;
/** The wait after a failed removal. Doubles up to the maximum. */
const FIRST_WAIT_MS = 5_000;
const MAX_WAIT_MS = 10 * 60_000;

const ALL = sql<boolean>`(1 = 1)`;

type Wait = { ms: number; untilMs: number };

/**
 * Removes what was left in sandboxes, by a process that has ended or because a sandbox was paused or out of reach. Each thing
 * is recorded under a lease before it is put into a sandbox. It is in use until `abandon` or until its process ends.
 */
export class LeftoverKeeper<Table extends LeftoverTable> {
  readonly #options: Options<Table>;
  readonly #owner: string;
  readonly #leases: Leases<Table>;
  readonly #loop: WorkLoop;
  readonly #inUse = new Set<string>();
  /** By sandbox, those with something to remove. */
  readonly #waits = new Map<SandboxKey, Wait>();

  constructor(options: Options<Table>) {
    this.#options = options;
    this.#owner = options.owner ?? processOwner();
    this.#leases = new Leases(options.table, sql`(claimed_until_ms >= 0)`);
    this.#loop = new WorkLoop({ work: () => this.#work(), failureMessage: options.failureMessage });
  }

  /** Takes over from processes that have ended. */
  async open(): Promise<void> {
    // Processes that share a database file share a machine.
    if (config().databaseUrl.startsWith('file:')) await this.#leases.releaseEnded(this.#owner);
    this.#loop.poke();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await this.#leases.release(this.#owner);
  }

  /** Records something as in use. `insert` writes its row with these columns. */
  async begin(
    sandboxKey: SandboxKey,
    name: string,
    insert: (lease: { claimed_by: string; claimed_until_ms: RawBuilder<number> }) => Promise<void>,
  ): Promise<void> {
    const untilMs = sql<number>`${databaseTimeMs(await database())} + ${LEASE_MS}`;
    // Before its row, or the loop would remove it.
    this.#inUse.add(keyOf(sandboxKey, name));
    try {
      await insert({ claimed_by: this.#owner, claimed_until_ms: untilMs });
    } catch (error) {
      this.#inUse.delete(keyOf(sandboxKey, name));
      throw error;
    }
    this.#loop.poke();
  }

  /** Call when its row was deleted. */
  settle(sandboxKey: SandboxKey, name: string): void {
    this.#inUse.delete(keyOf(sandboxKey, name));
  }

  /** Leaves it to be removed once its sandbox can be reached. */
  abandon(sandboxKey: SandboxKey, name: string): void {
    this.#inUse.delete(keyOf(sandboxKey, name));
    this.#loop.poke();
  }

  /** Call when a sandbox was reached: something may wait for that. */
  noteReachable(sandboxKey: SandboxKey): void {
    const wait = this.#waits.get(sandboxKey);
    if (wait === undefined) return;
    wait.untilMs = 0;
    this.#loop.poke();
  }

  async #work(): Promise<number> {
    await this.#leases.renew({ owner: this.#owner, leaseMs: LEASE_MS });
    await this.#leases.acquire({ owner: this.#owner, leaseMs: LEASE_MS }, ALL);
    const held = (await this.#leases.listHeld(this.#owner)) as Row<Table>[];
    const left = held.filter((row) => !this.#inUse.has(keyOf(row.sandbox_key, this.#options.nameOf(row))));
    const sandboxes = new Set(left.map(({ sandbox_key }) => sandbox_key));
    for (const id of this.#waits.keys()) if (!sandboxes.has(id)) this.#waits.delete(id);
    for (const id of sandboxes) {
      if ((this.#waits.get(id)?.untilMs ?? 0) > Date.now()) continue;
      const rows = left.filter(({ sandbox_key }) => sandbox_key === id);
      if (await this.#clear(id, rows)) this.#waits.delete(id);
      else this.#postpone(id);
    }
    const nextMs = Math.min(...[...this.#waits.values()].map(({ untilMs }) => untilMs - Date.now()));
    return Math.max(100, Math.min(nextMs, held.length > 0 ? RENEW_EVERY_MS : IDLE_MS));
  }

  /** Resolves to false if the sandbox could not be reached. */
  async #clear(sandboxKey: SandboxKey, rows: readonly Row<Table>[]): Promise<boolean> {
    try {
      await this.#options.clear(sandboxKey, rows);
      return true;
    } catch (thrown) {
      if (!isGone(thrown)) return false;
      for (const row of rows) await this.#options.forget(row);
      return true;
    }
  }

  #postpone(sandboxKey: SandboxKey): void {
    const before = this.#waits.get(sandboxKey)?.ms ?? 0;
    const ms = Math.min(Math.max(FIRST_WAIT_MS, before * 2), MAX_WAIT_MS);
    this.#waits.set(sandboxKey, { ms, untilMs: Date.now() + ms });
  }
}

const keyOf = (sandboxKey: SandboxKey, name: string) => `${sandboxKey} ${name}`;

/** Whether the sandbox is gone, and everything in it. */
function isGone(thrown: unknown): boolean {
  const error = SandkeeperError.from(thrown);
  return error.problem === 'gone' || (error.problem === undefined && error.code === 'not_found');
}
