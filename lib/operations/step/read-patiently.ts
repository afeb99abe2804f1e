import 'server-only';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import type { Sandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import { StepStopped } from './step-result';

/** How often the service may throttle before a step gives up. */
export const MAX_REFUSALS = 60;
const MAX_READS = 5;
/** A longer wait that the service asks for is cut to this. */
const MAX_ASKED_MS = 30_000;
/** The longest wait, in first waits. */
const MAX_GROWTH = 15;

export type ReadContext = {
  /** The sandbox as it was shown. */
  shown: Sandbox;
  /** The sandbox in a reading requested after `sinceMs`; `null` when it is gone. */
  read: (key: SandboxKey, sinceMs: number) => Promise<Sandbox | null>;
};

/**
 * Reads the sandbox, up to five times while the list cannot be read.
 * @throws whatever the last attempt threw
 */
export async function readPatiently({ shown, read }: ReadContext, sinceMs: number): Promise<Sandbox | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await read(shown.key, sinceMs);
    } catch (thrown) {
      if (tries >= MAX_READS || thrown instanceof StepStopped) throw thrown;
      await waitBackoff(tries);
      // As long as the service asked, within what the others can wait for.
      const askedMs = Math.min(SandkeeperError.from(thrown).retryAfterMs ?? 0, MAX_ASKED_MS);
      await new Promise((resolve) => setTimeout(resolve, askedMs));
    }
  }
}

/** Waits before attempt `tries + 1`: exponential backoff with jitter. */
export function waitBackoff(tries: number): Promise<void> {
  const { retryMs } = config().timing;
  const ms = Math.min(retryMs * 2 ** tries, retryMs * MAX_GROWTH);
  return new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random() / 2)));
}
