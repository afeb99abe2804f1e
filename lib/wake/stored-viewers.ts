import 'server-only';
import type { SandboxKey } from '../sandbox-key';
import type { WakeBook } from './book';
import { publishViewers, removeViewers, type WakeLease } from './store';

type Options = { owner: string; viewersTtlMs: number };

/** Stores this process's viewers, or other processes would pause sandboxes that are being viewed. */
export class StoredViewers {
  readonly #book: WakeBook;
  readonly #options: Options;
  /** The viewers last stored, and when to renew them, by sandbox key. */
  readonly #stored = new Map<SandboxKey, { text: string; renewAtMs: number }>();

  constructor(book: WakeBook, { owner, viewersTtlMs }: Options) {
    this.#book = book;
    this.#options = { owner, viewersTtlMs };
  }

  /** Stores the viewers of the active wakes that changed or are due to be renewed, and removes those of other sandboxes. */
  async update(leases: readonly WakeLease[]): Promise<void> {
    const nowMs = Date.now();
    const { owner, viewersTtlMs } = this.#options;
    const ids = new Set([...leases.map(({ sandboxKey }) => sandboxKey), ...this.#stored.keys()]);
    for (const sandboxKey of ids) {
      const isOver = this.#book.find(sandboxKey) === null;
      const viewers = isOver ? [] : this.#book.ownViewersOf(sandboxKey);
      const stored = this.#stored.get(sandboxKey);
      const text = JSON.stringify(viewers);
      if (viewers.length === 0 && stored === undefined) continue;
      if (text === stored?.text && nowMs < stored.renewAtMs) continue;
      await publishViewers(owner, sandboxKey, viewers, viewersTtlMs);
      if (viewers.length === 0) this.#stored.delete(sandboxKey);
      else this.#stored.set(sandboxKey, { text, renewAtMs: nowMs + viewersTtlMs / 3 });
    }
  }

  /** Removes all viewers of this process. */
  async remove(): Promise<void> {
    await removeViewers(this.#options.owner);
  }
}
