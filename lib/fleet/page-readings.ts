import 'server-only';
import type { Sandbox } from '../sandbox/schema';
import type { ReadPage } from './crawl';

type Options = {
  readPage: ReadPage;
  /** Told of each page as it comes, with the time at which it was asked for, epoch ms. */
  onPage: (sandboxes: Sandbox[], askedAtMs: number, cursor: string | null) => void;
};

/** `askedAtMs` is infinite until the request is sent. */
type Look = { askedAtMs: number; done: Promise<void> };

const MAX_AT_ONCE = 4;
/** Whoever wants the same page within this time shares the request. */
const GATHER_MS = 5;

/**
 * Reads single pages of the list again, a few at once, each once for however many want it. The service's cursors name
 * places in its order, not pages (docs/protocol.md#list-cursor): what stood behind one is found behind it still, unless
 * it is gone or was resumed. So a page proves that a sandbox is there, and never that it is not.
 */
export class PageLooks {
  readonly #options: Options;
  /** The last look at each page, by cursor, while it is under way. */
  readonly #looks = new Map<string | null, Look>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Resolves when the page at `cursor` has been read by a request sent after `sinceMs`, or cannot be read. */
  look(cursor: string | null, sinceMs: number): Promise<void> {
    const latest = this.#looks.get(cursor);
    if (latest && latest.askedAtMs > sinceMs) return latest.done;
    const look: Look = { askedAtMs: Number.POSITIVE_INFINITY, done: Promise.resolve() };
    look.done = this.#read(cursor, look).finally(() => {
      if (this.#looks.get(cursor) === look) this.#looks.delete(cursor);
    });
    this.#looks.set(cursor, look);
    return look.done;
  }

  async #read(cursor: string | null, look: Look): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    await this.#takeTurn();
    try {
      look.askedAtMs = Date.now();
      const { sandboxes } = await this.#options.readPage(cursor);
      this.#options.onPage(sandboxes, look.askedAtMs, cursor);
    } catch {
      // Whoever has not found an answer waits for a whole reading, and hears from that what is wrong.
    } finally {
      this.#giveTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#underWay < MAX_AT_ONCE) this.#underWay += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #giveTurn(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#underWay -= 1;
  }
}
