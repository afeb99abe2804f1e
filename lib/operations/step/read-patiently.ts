import 'server-only';
import { SandkeeperError } from '../../errors';
import type { Sandbox } from '../../sandbox/schema';

/** How often the service may ask to slow down before the step gives up. */
export const MAX_REFUSALS = 60;
const MAX_READS = 5;
const FIRST_WAIT_MS = 200;
const MAX_WAIT_MS = 3_000;

export type ReadContext = {
  /** The sandbox as the person was shown it. */
  shown: Sandbox;
  /** The sandbox in a reading requested after `sinceMs`; `null` when it is gone. */
  read: (id: string, sinceMs: number) => Promise<Sandbox | null>;
};

/**
 * Reads the sandbox, up to five times while the list cannot be read.
 * @throws whatever the last attempt threw
 */
export async function readPatiently({ shown, read }: ReadContext, sinceMs: number): Promise<Sandbox | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read(shown.id, sinceMs);
    } catch (thrown) {
      if (tries >= MAX_READS) throw thrown;
      const askedMs = SandkeeperError.from(thrown).retryAfterMs ?? 0;
      await waitBackoff(tries, askedMs);
    }
  }
}

/** Waits a jittered, exponentially growing time before attempt `tries + 1`, at least `leastMs` before jitter. */
export function waitBackoff(tries: number, leastMs = 0): Promise<void> {
  const ms = Math.min(Math.max(leastMs, FIRST_WAIT_MS * 2 ** tries), MAX_WAIT_MS);
  return new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random() / 2)));
}
