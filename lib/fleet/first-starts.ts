import 'server-only';
import { database } from '../db/client';
import type { Sandbox } from '../sandbox/schema';

/** Rows per statement, within the limits of both databases. */
const ROWS_PER_WRITE = 500;
/** Ids of terminated sandboxes are not given again. They are kept for a while, in case a faulty list lost them. */
const KEEP_GONE_MS = 30 * 24 * 60 * 60_000;

/**
 * When each sandbox first started, as far as Sandkeeper has seen it. A resume resets the start that the service reports
 * (docs/protocol.md#timeouts), so an old sandbox would look young. Kept in the database over restarts of the server.
 */
export class FirstStarts {
  readonly #firstById = new Map<string, number>();
  readonly #unsaved = new Set<string>();
  #loaded = false;
  #saving: Promise<void> = Promise.resolve();

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
      for (const { sandbox_id: id, first_started_at_ms: firstMs } of await db
        .selectFrom('first_starts')
        .select(['sandbox_id', 'first_started_at_ms'])
        .execute())
        this.#observe(id, Number(firstMs));
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
    const { id, startedAtMs } = sandbox;
    const known = this.#firstById.get(id);
    const reportedMs = startedAtMs ?? known ?? seenAtMs;
    const firstMs = Math.min(known ?? reportedMs, reportedMs);
    if (firstMs !== known) {
      this.#firstById.set(id, firstMs);
      this.#unsaved.add(id);
    }
    return firstMs === startedAtMs ? sandbox : { ...sandbox, firstStartedAtMs: firstMs };
  }

  /** Stores what is new, and which of the remembered sandboxes are gone, after a complete reading. */
  save(isPresent: (id: string) => boolean, nowMs: number): Promise<void> {
    // Before that, an earlier start may be stored than is known here.
    if (!this.#loaded) return this.#saving;
    const rows = [...this.#unsaved].flatMap((id) => {
      const firstMs = this.#firstById.get(id);
      return firstMs === undefined ? [] : [[id, firstMs] as const];
    });
    this.#unsaved.clear();
    const gone = [...this.#firstById.keys()].filter((id) => !isPresent(id));
    for (const id of gone) this.#firstById.delete(id);
    if (rows.length === 0 && gone.length === 0) return this.#saving;
    this.#saving = this.#saving.then(() =>
      this.#write(rows, gone, nowMs).catch((thrown) => {
        // Stored with the next reading instead.
        for (const [id] of rows) this.#unsaved.add(id);
        console.warn('Could not store when the sandboxes first started.', thrown);
      }),
    );
    return this.#saving;
  }

  async #write(
    rows: readonly (readonly [string, number])[],
    gone: readonly string[],
    nowMs: number,
  ): Promise<void> {
    const db = await database();
    for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
      const values = rows
        .slice(from, from + ROWS_PER_WRITE)
        .map(([id, firstMs]) => ({ sandbox_id: id, first_started_at_ms: firstMs, gone_at_ms: null }));
      await db
        .insertInto('first_starts')
        .values(values)
        .onConflict((conflict) =>
          conflict.column('sandbox_id').doUpdateSet({
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
        .where('sandbox_id', 'in', gone.slice(from, from + ROWS_PER_WRITE))
        .where('gone_at_ms', 'is', null)
        .execute();
  }

  #observe(id: string, firstMs: number): void {
    this.#firstById.set(id, Math.min(this.#firstById.get(id) ?? firstMs, firstMs));
  }
}
