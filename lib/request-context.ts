import 'server-only';
import { AsyncLocalStorage } from 'node:async_hooks';
import { singleton } from './singleton';

/**
 * Runs `work` outside of whatever request we are in. Next.js patches `fetch` to cache and merge what a page reads while
 * it is rendered, and that follows everything the page sets going, for as long as it goes. Ask for it once at start,
 * before the first request.
 */
export function outsideRequests<T>(work: () => T): T {
  return singleton('outside-requests', () => AsyncLocalStorage.snapshot())(work);
}
