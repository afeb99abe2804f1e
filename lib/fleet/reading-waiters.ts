import 'server-only';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';

/** Waits for a reading of one sandbox requested after `sinceMs`. */
type Waiter = {
  sinceMs: number;
  resolve: (sandbox: Sandbox | null) => void;
  reject: (error: unknown) => void;
};

/** The callers that wait for a reading of a sandbox. A reading requested too early leaves them waiting. */
export class ReadingWaiters {
  /** By sandbox key. */
  readonly #waiters = new Map<SandboxKey, Waiter[]>();

  /** The number of sandboxes that are waited for. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Returns the first reading of `key` requested after `sinceMs`; `null` if it proved that the sandbox is gone. */
  add(key: SandboxKey, sinceMs: number): Promise<Sandbox | null> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(key) ?? [];
      waiters.push({ sinceMs, resolve, reject });
      this.#waiters.set(key, waiters);
    });
  }

  /** Resolves the waiters for `key` that accept a reading requested at `requestedAtMs`. */
  resolve(key: SandboxKey, sandbox: Sandbox | null, requestedAtMs: number): void {
    for (const waiter of this.#takeBefore(key, requestedAtMs)) waiter.resolve(sandbox);
  }

  /** Resolves the waiters for sandboxes that a complete reading has not `seen`. */
  resolveAbsent(seen: ReadonlySet<SandboxKey>, beganAtMs: number): void {
    for (const key of [...this.#waiters.keys()]) if (!seen.has(key)) this.resolve(key, null, beganAtMs);
  }

  /** Rejects the waiters for which the failed reading that began at `beganAtMs` was late enough. */
  fail(beganAtMs: number, error: unknown): void {
    for (const key of [...this.#waiters.keys()])
      for (const waiter of this.#takeBefore(key, beganAtMs)) waiter.reject(error);
  }

  /** Removes and returns the waiters for `key` that accept a reading requested at `timeMs`. */
  #takeBefore(key: SandboxKey, timeMs: number): Waiter[] {
    const waiters = this.#waiters.get(key) ?? [];
    const later = waiters.filter(({ sinceMs }) => sinceMs >= timeMs);
    if (later.length === 0) this.#waiters.delete(key);
    else this.#waiters.set(key, later);
    return waiters.filter(({ sinceMs }) => sinceMs < timeMs);
  }
}
