import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const GIVE_UP_AFTER_MS = 20_000;

/**
 * Removes a directory in which sandboxes have lived. An engine ends without waiting long for its guests, so that the last
 * of them may still write there: what they put is removed with the rest, until nothing comes any more.
 */
export async function removeTree(path: string): Promise<void> {
  const deadlineMs = Date.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    try {
      return await rm(path, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || Date.now() > deadlineMs) throw error;
      await delay(50);
    }
  }
}
