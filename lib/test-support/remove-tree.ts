import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const TIMEOUT_MS = 20_000;

/** Removes the data directory of an engine, retrying while processes of its sandboxes still write there. */
export async function removeTree(path: string): Promise<void> {
  const deadlineMs = Date.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await rm(path, { recursive: true, force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || Date.now() > deadlineMs) throw error;
      await delay(50);
    }
  }
}
