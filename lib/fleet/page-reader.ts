import 'server-only';
import type { Sandbox } from '../sandbox/schema';
import type { ReadPage } from './crawl';

type Options = {
  readPage: ReadPage;
  /** Called with each page and the time of its request, epoch ms. */
  onPage: (sandboxes: Sandbox[], requestedAtMs: number, cursor: string | null) => void;
};

/** `requestedAtMs` is infinite until the request is sent. */
type Reading = { requestedAtMs: number; done: Promise<void> };

const MAX_CONCURRENT = 4;
/** Callers that request the same page within this time share one request. */
const GATHER_MS = 5;

/**
 * Reads single pages of the list again, a few at once, and shares each request between callers. A cursor is a position
 * in the sort order (docs/protocol.md#list-cursor): a sandbox stays behind its cursor unless it is gone or was resumed.
 * A page can therefore prove that a sandbox exists, but not that it is gone.
 */
export class PageReader {
  readonly #options: Options;
  /** The latest unfinished reading of each page, by cursor. */
  readonly #readings = new Map<string | null, Reading>();
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves when a request for the page sent after `sinceMs` has succeeded or failed. */
  read(cursor: string | null, sinceMs: number): Promise<void> {
    const latest = this.#readings.get(cursor);
    if (latest && latest.requestedAtMs > sinceMs) return latest.done;
    const reading: Reading = { requestedAtMs: Number.POSITIVE_INFINITY, done: Promise.resolve() };
    reading.done = this.#request(cursor, reading).finally(() => {
      if (this.#readings.get(cursor) === reading) this.#readings.delete(cursor);
    });
    this.#readings.set(cursor, reading);
    return reading.done;
  }

  async #request(cursor: string | null, reading: Reading): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    await this.#acquireSlot();
    try {
      reading.requestedAtMs = Date.now();
      const { sandboxes } = await this.#options.readPage(cursor);
      this.#options.onPage(sandboxes, reading.requestedAtMs, cursor);
    } catch {
      // The caller falls back to a complete reading, which reports the error.
    } finally {
      this.#releaseSlot();
    }
  }

  async #acquireSlot(): Promise<void> {
    if (this.#active < MAX_CONCURRENT) this.#active += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #releaseSlot(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#active -= 1;
  }
}
