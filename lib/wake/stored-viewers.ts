import 'server-only';
import type { WakeBook } from './book';
import { publishViewers, removeViewers, type WakeLease } from './store';

type Options = { owner: string; viewersTtlMs: number };

/** Stores this process's viewers, or other processes would pause sandboxes that are being viewed. */
export class StoredViewers {
  readonly #book: WakeBook;
  readonly #options: Options;
  /** The viewers last stored, and when to renew them, by sandbox id. */
  readonly #stored = new Map<string, { text: string; renewAtMs: number }>();

  constructor(book: WakeBook, { owner, viewersTtlMs }: Options) {
    this.#book = book;
    this.#options = { owner, viewersTtlMs };
  }

  /** Stores the viewers of the active wakes that changed or are due to be renewed, and removes those of other sandboxes. */
  async update(leases: readonly WakeLease[]): Promise<void> {
    const nowMs = Date.now();
    const { owner, viewersTtlMs } = this.#options;
    const ids = new Set([...leases.map(({ sandboxId }) => sandboxId), ...this.#stored.keys()]);
    for (const sandboxId of ids) {
      const isOver = this.#book.find(sandboxId) === null;
      const viewers = isOver ? [] : this.#book.ownViewersOf(sandboxId);
      const stored = this.#stored.get(sandboxId);
      const text = JSON.stringify(viewers);
      if (viewers.length === 0 && stored === undefined) continue;
      if (text === stored?.text && nowMs < stored.renewAtMs) continue;
      await publishViewers(owner, sandboxId, viewers, viewersTtlMs);
      if (viewers.length === 0) this.#stored.delete(sandboxId);
      else this.#stored.set(sandboxId, { text, renewAtMs: nowMs + viewersTtlMs / 3 });
    }
  }

  /** Removes all viewers of this process. */
  async remove(): Promise<void> {
    await removeViewers(this.#options.owner);
  }
}
