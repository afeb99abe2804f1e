import 'server-only';
import type { Sandbox } from '../sandbox/schema';

/** Waits for a reading of one sandbox requested after `sinceMs`. */
type Waiter = {
  sinceMs: number;
  resolve: (sandbox: Sandbox | null) => void;
  reject: (error: unknown) => void;
};

/** The callers that wait for a reading of a sandbox. A reading requested too early leaves them waiting. */
export class ReadingWaiters {
  /** By sandbox id. */
  readonly #waiters = new Map<string, Waiter[]>();

  /** The number of sandboxes that are waited for. */
  get size(): number {
    return this.#waiters.size;
  }

  /** Returns the first reading of `id` requested after `sinceMs`; `null` if it proved that the sandbox is gone. */
  add(id: string, sinceMs: number): Promise<Sandbox | null> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(id) ?? [];
      waiters.push({ sinceMs, resolve, reject });
      this.#waiters.set(id, waiters);
    });
  }

  /** Resolves the waiters for `id` that accept a reading requested at `requestedAtMs`. */
  resolve(id: string, sandbox: Sandbox | null, requestedAtMs: number): void {
    for (const waiter of this.#takeBefore(id, requestedAtMs)) waiter.resolve(sandbox);
  }

  /** Resolves the waiters for sandboxes that a complete reading has not `seen`. */
  resolveAbsent(seen: ReadonlySet<string>, beganAtMs: number): void {
    for (const id of [...this.#waiters.keys()]) if (!seen.has(id)) this.resolve(id, null, beganAtMs);
  }

  /** Rejects the waiters for which the failed reading that began at `beganAtMs` was late enough. */
  fail(beganAtMs: number, error: unknown): void {
    for (const id of [...this.#waiters.keys()])
      for (const waiter of this.#takeBefore(id, beganAtMs)) waiter.reject(error);
  }

  /** Removes and returns the waiters for `id` that accept a reading requested at `timeMs`. */
  #takeBefore(id: string, timeMs: number): Waiter[] {
    const waiters = this.#waiters.get(id) ?? [];
    const later = waiters.filter(({ sinceMs }) => sinceMs >= timeMs);
    if (later.length === 0) this.#waiters.delete(id);
    else this.#waiters.set(id, later);
    return waiters.filter(({ sinceMs }) => sinceMs < timeMs);
  }
}
