import 'server-only';
import { database } from '../db/client';
import type { Sandbox } from '../sandbox/schema';
import { type ConnectionName, keyOf, type SandboxKey } from '../sandbox-key';

/** Rows per statement, within the limits of both databases. */
const ROWS_PER_WRITE = 500;
/** Ids of terminated sandboxes are not given again. They are kept for a while, in case a faulty list lost them. */
const KEEP_GONE_MS = 30 * 24 * 60 * 60_000;

/**
 * When each sandbox first started, as far as Sandkeeper has seen it. A resume resets the start that the service reports
 * (docs/protocol.md#timeouts), so an old sandbox would look young. Kept in the database over restarts of the server.
 */
export class FirstStarts {
  readonly #connection: ConnectionName;
  readonly #firstByKey = new Map<SandboxKey, number>();
  readonly #unsaved = new Set<SandboxKey>();
  #loaded = false;
  #saving: Promise<void> = Promise.resolve();

  /** The sandboxes of one connection. */
  constructor(connection: ConnectionName) {
    this.#connection = connection;
  }

  /**
   * Reads what earlier processes have seen. Returns whether it has just been read: sandboxes seen before are then older than
   * was known. Tries again on the next call if the database does not answer.
   */
  async load(nowMs: number): Promise<boolean> {
    if (this.#loaded) return false;
    try {
      const db = await database();
      await db
        .deleteFrom('first_starts')
        .where('gone_at_ms', '<', nowMs - KEEP_GONE_MS)
        .execute();
      for (const { sandbox_key: key, first_started_at_ms: firstMs } of await db
        .selectFrom('first_starts')
        .select(['sandbox_key', 'first_started_at_ms'])
        .where('sandbox_key', 'like', keyOf(this.#connection, '%'))
        .execute())
        this.#observe(key, Number(firstMs));
      this.#loaded = true;
      return true;
    } catch (thrown) {
      console.warn('Could not read when the sandboxes first started. Ages begin at the last resume.', thrown);
      return false;
    }
  }

  /**
   * The sandbox with `firstStartedAtMs`, if it started before the start that the service reports. `seenAtMs` stands for a
   * start that the service does not report.
   */
  complete(sandbox: Sandbox, seenAtMs: number): Sandbox {
    const { key, startedAtMs } = sandbox;
    const known = this.#firstByKey.get(key);
    const reportedMs = startedAtMs ?? known ?? seenAtMs;
    const firstMs = Math.min(known ?? reportedMs, reportedMs);
    if (firstMs !== known) {
      this.#firstByKey.set(key, firstMs);
      this.#unsaved.add(key);
    }
    return firstMs === startedAtMs ? sandbox : { ...sandbox, firstStartedAtMs: firstMs };
  }

  /** Stores what is new, and which of the remembered sandboxes are gone, after a complete reading. */
  save(isPresent: (key: SandboxKey) => boolean, nowMs: number): Promise<void> {
    // Before that, an earlier start may be stored than is known here.
    if (!this.#loaded) return this.#saving;
    const rows = [...this.#unsaved].flatMap((key) => {
      const firstMs = this.#firstByKey.get(key);
      return firstMs === undefined ? [] : [[key, firstMs] as const];
    });
    this.#unsaved.clear();
    const gone = [...this.#firstByKey.keys()].filter((key) => !isPresent(key));
    for (const key of gone) this.#firstByKey.delete(key);
    if (rows.length === 0 && gone.length === 0) return this.#saving;
    this.#saving = this.#saving.then(() =>
      this.#write(rows, gone, nowMs).catch((thrown) => {
        // Stored with the next reading instead.
        for (const [key] of rows) this.#unsaved.add(key);
        console.warn('Could not store when the sandboxes first started.', thrown);
      }),
    );
    return this.#saving;
  }

  async #write(
    rows: readonly (readonly [SandboxKey, number])[],
    gone: readonly SandboxKey[],
    nowMs: number,
  ): Promise<void> {
    const db = await database();
    for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
      const values = rows
        .slice(from, from + ROWS_PER_WRITE)
        .map(([key, firstMs]) => ({ sandbox_key: key, first_started_at_ms: firstMs, gone_at_ms: null }));
      await db
        .insertInto('first_starts')
        .values(values)
        .onConflict((conflict) =>
          conflict.column('sandbox_key').doUpdateSet({
            first_started_at_ms: ({ ref }) => ref('excluded.first_started_at_ms'),
            gone_at_ms: null,
          }),
        )
        .execute();
    }
    for (let from = 0; from < gone.length; from += ROWS_PER_WRITE)
      await db
        .updateTable('first_starts')
        .set({ gone_at_ms: nowMs })
        .where('sandbox_key', 'in', gone.slice(from, from + ROWS_PER_WRITE))
        .where('gone_at_ms', 'is', null)
        .execute();
  }

  #observe(key: SandboxKey, firstMs: number): void {
    this.#firstByKey.set(key, Math.min(this.#firstByKey.get(key) ?? firstMs, firstMs));
  }
}
