import 'server-only';
import { noteAccess } from '../access/audit';
import type { Who } from '../access/sessions';
import type { SandboxKey } from '../sandbox-key';
import { singleton } from '../singleton';

/** Later readings of the same person within this time are not recorded again, ms. */
const RECORDED_FOR_MS = 10 * 60_000;
const MAX_KNOWN = 1_000;

type Options = { recordAccess?: typeof noteAccess; now?: () => number };

/** Records who lists all processes of a sandbox. The list refreshes by itself, which is one access, not hundreds. */
export class ReadingLog {
  readonly #recordAccess: typeof noteAccess;
  readonly #now: () => number;
  readonly #recordedAtMs = new Map<string, number>();

  constructor({ recordAccess = noteAccess, now = Date.now }: Options = {}) {
    this.#recordAccess = recordAccess;
    this.#now = now;
  }

  /** Await it before the reading: one that cannot be recorded must not happen. */
  async record({ userId, actor }: Who, sandboxKey: SandboxKey): Promise<void> {
    const key = `${sandboxKey} ${userId}`;
    const nowMs = this.#now();
    if (nowMs - (this.#recordedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < RECORDED_FOR_MS) return;
    await this.#recordAccess({ userId, actor }, { kind: 'processes-read', sandboxKey });
    this.#recordedAtMs.delete(key);
    this.#recordedAtMs.set(key, nowMs);
    const [oldest] = this.#recordedAtMs.keys();
    if (this.#recordedAtMs.size > MAX_KNOWN && oldest !== undefined) this.#recordedAtMs.delete(oldest);
  }
}

export function readingLog(): ReadingLog {
  return singleton('process-reading-log', () => new ReadingLog());
}
