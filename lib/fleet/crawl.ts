import 'server-only';
import { SandkeeperError } from '../errors';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxPage } from '../sandbox-api/control';

/** Reads one page; the gateway's `listSandboxes`. */
export type ReadPage = (cursor: string | null) => Promise<SandboxPage>;

/** What a complete reading found. */
export type CrawlResult = { seen: Set<string>; unreadable: number };

type Options = {
  readPage: ReadPage;
  /** Told of each page as it comes, with the time at which it was asked for, epoch ms. */
  onPage: (sandboxes: Sandbox[], askedAtMs: number, cursor: string | null) => void;
  signal: AbortSignal;
};

/**
 * Reads the whole list, page by page, and answers every id there was.
 *
 * The list is ordered by start, latest first, and a resume resets the start (docs/protocol.md#list-cursor): a sandbox
 * resumed while we read jumps to pages we have passed. So after the last page the head is read again, down to where the
 * first page began, before anybody concludes from an id's absence that it is gone.
 *
 * Throws the gateway's errors, and `unavailable` when the service repeats a cursor, which would never end.
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
      const askedAtMs = Date.now();
      const page: SandboxPage = await readPage(cursor);
      onPage(page.sandboxes, askedAtMs, cursor);
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
    if (pages === 0) newestStartMs = page.sandboxes[0]?.startedAtMs ?? newestStartMs;
    pages += 1;
    return false;
  });
  if (pages > 1) {
    const whole = unreadable;
    await readThrough((page) => page.sandboxes.some(({ startedAtMs }) => startedAtMs < newestStartMs));
    unreadable = whole;
  }
  return { seen, unreadable };
}

function repeatedCursor(): SandkeeperError {
  return new SandkeeperError(
    'unavailable',
    'The sandbox service keeps answering with the same page, so the list may be incomplete.',
  );
}
