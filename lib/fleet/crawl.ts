import 'server-only';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxPage } from '../sandbox-api/control';

/** Reads one page of the list: `listSandboxes` of `lib/sandbox-api`, or a fake. */
export type ReadPage = (cursor: string | null) => Promise<SandboxPage>;

/** The result of a complete reading. */
export type CrawlResult = { seen: Set<string>; unreadable: number };

type Options = {
  readPage: ReadPage;
  /** Called with each page and the time of its request, epoch ms. */
  onPage: (sandboxes: Sandbox[], requestedAtMs: number, cursor: string | null) => void;
  signal: AbortSignal;
};

/**
 * Reads the whole list page by page and returns every id.
 *
 * The list is sorted by start, latest first, and a resume resets the start (docs/protocol.md#list-cursor). A sandbox
 * resumed during the reading moves to a page that was already read. The first pages are therefore read again, down to
 * the start of the original first page, before a missing id counts as gone.
 *
 * Throws the errors of `readPage`, and `unavailable` if the service repeats a cursor, which would loop forever.
 */
export async function crawlFleet({ readPage, onPage, signal }: Options): Promise<CrawlResult> {
  const seen = new Set<string>();
  let unreadable = 0;
  let newestStartMs = Number.NEGATIVE_INFINITY;

  const readThrough = async (isEnough: (page: SandboxPage) => boolean) => {
    const cursors = new Set<string>();
    let cursor: string | null = null;
    do {
      signal.throwIfAborted();
      const requestedAtMs = Date.now();
      const page: SandboxPage = await readPage(cursor);
      onPage(page.sandboxes, requestedAtMs, cursor);
      for (const { id } of page.sandboxes) seen.add(id);
      unreadable += page.unreadable;
      cursor = page.nextCursor;
      if (cursor !== null && cursors.has(cursor)) throw repeatedCursor();
      if (cursor !== null) cursors.add(cursor);
      if (isEnough(page)) return;
    } while (cursor !== null);
  };

  let pages = 0;
  await readThrough((page) => {
    if (pages === 0)
      newestStartMs = page.sandboxes.find((row) => row.startedAtMs !== null)?.startedAtMs ?? newestStartMs;
    pages += 1;
    return false;
  });
  if (pages > 1) {
    const whole = unreadable;
    await readThrough((page) =>
      page.sandboxes.some(({ startedAtMs }) => startedAtMs !== null && startedAtMs < newestStartMs),
    );
    unreadable = whole;
  }
  return { seen, unreadable };
}

function repeatedCursor(): SandkeeperError {
  return new SandkeeperError(
    'unavailable',
    'The sandbox service repeats a page of its list, which may be incomplete.',
  );
}
