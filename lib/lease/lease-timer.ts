/**
 * Tells a process how long its leases are certain to last, without asking the database. It counts from before the write
 * that renewed them. Uses the clock that has advanced further: the monotonic clock cannot be set, and the wall clock advances
 * while the machine is suspended.
 */
export class LeaseTimer {
  readonly #leaseMs: number;
  #renewedAt: Instant | null = null;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** Time left in ms; 0 or less once the leases may have expired. */
  get leftMs(): number {
    if (this.#renewedAt === null) return 0;
    const { monotonicMs, wallMs } = now();
    const elapsedMs = Math.max(monotonicMs - this.#renewedAt.monotonicMs, wallMs - this.#renewedAt.wallMs);
    return this.#leaseMs - elapsedMs;
  }

  /** Starts again once `write` has renewed the leases. */
  async renew(write: () => Promise<void>): Promise<void> {
    const startedAt = now();
    await write();
    this.#renewedAt = startedAt;
  }

  /** Counts the leases as expired until they are renewed. */
  expire(): void {
    this.#renewedAt = null;
  }
}

type Instant = { monotonicMs: number; wallMs: number };

function now(): Instant {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}
