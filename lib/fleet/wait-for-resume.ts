import 'server-only';
import { connections } from '../connections/registry';
import { connectionOf, type SandboxKey } from '../sandbox-key';
import { watcherOf } from './watchers';

/** The time between attempts while the fleet does not show the sandbox as paused, ms. */
const RETRY_MS = 1_000;
/** The fleet may be unable to read the sandbox's state, so an attempt is made regardless, ms. */
const MAX_WAIT_MS = 30_000;

/**
 * Waits until a paused sandbox may be running again or gone, as far as the fleet shows. Reads nothing itself and never rejects:
 * if the connection is not in use, the next attempt says so.
 */
export function waitForResume(sandboxKey: SandboxKey, signal: AbortSignal): Promise<void> {
  if (!connections().enabled().includes(connectionOf(sandboxKey))) return Promise.resolve();
  // Found once, because the connection may end meanwhile.
  const watcher = watcherOf(sandboxKey);
  return new Promise((resolve) => {
    const isPaused = () => watcher.find(sandboxKey)?.state === 'paused';
    const finish = () => {
      clearTimeout(retry);
      clearTimeout(latest);
      signal.removeEventListener('abort', finish);
      stop();
      resolve();
    };
    let isDue = false;
    const retry = setTimeout(() => {
      isDue = true;
      if (!isPaused()) finish();
    }, RETRY_MS);
    const latest = setTimeout(finish, MAX_WAIT_MS);
    const stop = watcher.listen(() => {
      if (isDue && !isPaused()) finish();
    });
    signal.addEventListener('abort', finish);
    if (signal.aborted) finish();
  });
}
