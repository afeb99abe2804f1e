import 'server-only';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxPage } from '../sandbox-api/control';
import type { SandboxKey } from '../sandbox-key';

/** Reads one page of the list: `listSandboxes` of `lib/sandbox-api`, or a fake. It may ignore `startedAfterMs`. */
export type ReadPage = (cursor: string | null, startedAfterMs?: number) => Promise<SandboxPage>;

export type CrawlResult = {
  seen: Set<SandboxKey>;
  unreadable: number;
  /** The reading stopped at a limit, or because the list repeats itself. An id that is missing may still exist. */
  isEndless: boolean;
};

/** What one reading may take. A list that goes beyond counts as endless. */
export type CrawlLimits = {
  rows: number;
  pages: number;
  /** The text in all rows, characters. */
  chars: number;
  ms: number;
  /** Pages in a row without a new id. */
  stalePages: number;
};

export const LIMITS: CrawlLimits = {
  rows: 200_000,
  pages: 10_000,
  chars: 256 * 1024 * 1024,
  ms: 10 * 60_000,
  stalePages: 20,
};

type Options = {
  readPage: ReadPage;
  /** Called with each page and the time of its request, epoch ms. */
  onPage: (sandboxes: Sandbox[], requestedAtMs: number, cursor: string | null) => void;
  signal: AbortSignal;
  limits?: Partial<CrawlLimits>;
};

/**
 * Reads the whole list page by page and returns every id.
 *
 * The list is sorted by start, latest first, and a resume resets the start (docs/protocol.md#list-cursor). A sandbox
 * resumed during the reading moves to a page that was already read. The first pages are therefore read again, down to
 * the start of the original first page, before a missing id counts as gone. A service that can sends only what started since.
 *
 * A faulty service may repeat a cursor or go on for ever, so the reading has limits. Throws the errors of `readPage`.
 */
export async function crawlFleet({ readPage, onPage, signal, limits }: Options): Promise<CrawlResult> {
  const budget = new Budget({ ...LIMITS, ...limits });
  const { seen } = budget;
  let unreadable = 0;
  let newestStartMs = Number.NEGATIVE_INFINITY;

  /** Resolves to false if the list does not end. */
  const readThrough = async (
    isEnough: (page: SandboxPage) => boolean,
    startedAfterMs?: number,
  ): Promise<boolean> => {
    const cursors = new Set<string>();
    budget.restart();
    let cursor: string | null = null;
    do {
      signal.throwIfAborted();
      const requestedAtMs = Date.now();
      const page: SandboxPage = await readPage(cursor, startedAfterMs);
      onPage(budget.take(page.sandboxes), requestedAtMs, cursor);
      unreadable += page.unreadable;
      cursor = page.nextCursor;
      if (budget.isSpent || (cursor !== null && cursors.has(cursor))) return false;
      if (cursor !== null) cursors.add(cursor);
      if (isEnough(page)) return true;
    } while (cursor !== null);
    return true;
  };

  let pages = 0;
  let hasEnded = await readThrough((page) => {
    if (pages === 0)
      newestStartMs = page.sandboxes.find((row) => row.startedAtMs !== null)?.startedAtMs ?? newestStartMs;
    pages += 1;
    return false;
  });
  if (hasEnded && pages > 1) {
    const whole = unreadable;
    hasEnded = await readThrough(
      (page) => page.sandboxes.some(({ startedAtMs }) => startedAtMs !== null && startedAtMs < newestStartMs),
      // Services compare fractions of a millisecond.
      Number.isFinite(newestStartMs) ? newestStartMs - 1 : undefined,
    );
    unreadable = whole;
  }
  return { seen, unreadable, isEndless: !hasEnded };
}

/** Counts what a reading has taken. */
class Budget {
  readonly seen = new Set<SandboxKey>();
  readonly #limits: CrawlLimits;
  readonly #endsAtMs: number;
  #pages = 0;
  #chars = 0;
  #stalePages = 0;
  #isRepeat = false;

  constructor(limits: CrawlLimits) {
    this.#limits = limits;
    this.#endsAtMs = performance.now() + limits.ms;
  }

  get isSpent(): boolean {
    const { rows, pages, chars, stalePages } = this.#limits;
    return (
      this.seen.size >= rows ||
      this.#pages >= pages ||
      this.#chars >= chars ||
      (!this.#isRepeat && this.#stalePages >= stalePages) ||
      performance.now() >= this.#endsAtMs
    );
  }

  /** Starts over with the first page. All its ids may be known. */
  restart(): void {
    this.#isRepeat = this.#pages > 0;
    this.#pages = 0;
    this.#chars = 0;
  }

  /** The rows of a page that are within the limits. */
  take(page: Sandbox[]): Sandbox[] {
    this.#pages += 1;
    const before = this.seen.size;
    const taken: Sandbox[] = [];
    for (const sandbox of page) {
      if (this.seen.size >= this.#limits.rows || this.#chars >= this.#limits.chars) break;
      this.#chars += charsOf(sandbox);
      this.seen.add(sandbox.key);
      taken.push(sandbox);
    }
    this.#stalePages = this.seen.size > before ? 0 : this.#stalePages + 1;
    return taken;
  }
}

function charsOf({ id, templateId, alias, metadata, envdVersion }: Sandbox): number {
  let chars = id.length + templateId.length + (alias?.length ?? 0) + envdVersion.length;
  for (const key of Object.keys(metadata)) chars += key.length + (metadata[key]?.length ?? 0);
  return chars;
}

/** The failure of a reading that cannot tell whether a sandbox exists. */
export function endlessList(): SandkeeperError {
  return new SandkeeperError(
    'unavailable',
    'The list of the sandbox service does not end, so a reading of it cannot tell whether the sandbox exists.',
  );
}
