/** The most requests of complete readings at rest. Single pages are read in between. */
const MAX_CRAWL_REQUESTS_PER_S = 12;
/** A complete reading of a large fleet that changes nothing is repeated this much later each time, up to the maximum. */
const QUIET_FACTOR = 1.5;
const MAX_QUIET_PAUSE_MS = 15_000;
/** Pages with changes that are read again between two complete readings. */
const MAX_HOT_PAGES = 6;

type Reading = { requests: number; tookMs: number; hasChanged: boolean };

/**
 * How often a list is read: as its size allows. Complete readings of a large fleet are spread out, and more so while nothing
 * changes. In between, the first page, which has the newest sandboxes, and the pages with recent changes are read often.
 */
export class ReadingPace {
  readonly #pauseMs: number;
  readonly #hot = new Set<string | null>();
  #quietReadings = 0;
  #last: Reading = { requests: 1, tookMs: 0, hasChanged: true };

  /** `pauseMs`: the shortest pause between two readings. */
  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** The pause after the last complete reading, ms. A small fleet is read at most half of the time. */
  get pauseMs(): number {
    const { requests, tookMs } = this.#last;
    const shortestMs = Math.max(this.#pauseMs, tookMs);
    if (requests <= 1) return shortestMs;
    const spreadMs = Math.max(shortestMs, (requests / MAX_CRAWL_REQUESTS_PER_S) * 1_000 - tookMs);
    const quietMs = spreadMs * QUIET_FACTOR ** this.#quietReadings;
    return Math.max(spreadMs, Math.min(quietMs, MAX_QUIET_PAUSE_MS));
  }

  /** The cursors of the pages to read between two complete readings. None for a fleet of one page. */
  pagesBetween(): (string | null)[] {
    return this.#last.requests <= 1 ? [] : [...new Set([null, ...this.#hot])];
  }

  noteReading(reading: Reading): void {
    this.#last = reading;
    this.#quietReadings = reading.hasChanged ? 0 : this.#quietReadings + 1;
  }

  /** Whether the page with this cursor has brought a change. */
  notePage(cursor: string | null, hasChanged: boolean): void {
    this.#hot.delete(cursor);
    if (!hasChanged) return;
    this.#quietReadings = 0;
    this.#hot.add(cursor);
    const [oldest] = this.#hot;
    if (oldest !== undefined && this.#hot.size > MAX_HOT_PAGES) this.#hot.delete(oldest);
  }
}
