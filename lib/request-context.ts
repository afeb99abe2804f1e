import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import { singleton } from './singleton';

/**
 * Runs `work` outside the context of the current request. Next.js patches `fetch` to cache and deduplicate requests while
 * it renders a page, and that context follows every promise the page starts. Call it once before the first request, which
 * captures the empty context.
 */
export function outsideRequests<T>(work: () => T): T {
  return singleton('outside-requests', () => AsyncLocalStorage.snapshot())(work);
}
