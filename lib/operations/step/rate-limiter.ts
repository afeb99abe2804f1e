/** The result of a request, as far as the limiter is concerned. */
export type Verdict = 'fine' | 'throttled' | 'failed';

/** Permission to send one request. Release it exactly once. */
export type Slot = { release: (verdict: Verdict, retryAfterMs?: number) => void };

type Options = {
  /** Maximum number of concurrent requests. */
  ceiling: number;
  /** A request that takes longer than this no longer occupies a slot. */
  slowAfterMs?: number;
  /** The limit before the first response. */
  firstLimit?: number;
  /** Called when the service asks us to wait. */
  onHold?: () => void;
};

type Waiting = { grant: (slot: Slot) => void; isOver: boolean };

const FIRST_LIMIT = 8;
const SLOW_AFTER_MS = 5_000;
/** Bounds of the wait that the service asks for. */
const MAX_HOLD_MS = 60 * 60_000;
const MIN_HOLD_MS = 100;
/** The wait if the service names none. */
const DEFAULT_HOLD_MS = 500;

/**
 * Limits concurrent requests and adapts the limit: it doubles per round until the service first throttles (429, 503),
 * then grows by one per round. Each throttling halves it, once for requests that were in flight together, and no request
 * is sent until the requested wait is over.
 *
 * Lanes alternate, so that a single kill does not wait behind a bulk of thousands.
 */
export class RateLimiter {
  readonly #ceiling: number;
  readonly #slowAfterMs: number;
  readonly #onHold: () => void;
  readonly #lanes = new Map<string, Waiting[]>();
  #limit: number;
  #isProbing = true;
  #taken = 0;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #heldUntilMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor({
    ceiling,
    slowAfterMs = SLOW_AFTER_MS,
    firstLimit = FIRST_LIMIT,
    onHold = () => {},
  }: Options) {
    this.#ceiling = ceiling;
    this.#slowAfterMs = slowAfterMs;
    this.#onHold = onHold;
    this.#limit = Math.min(firstLimit, ceiling);
  }

  /** The current maximum of concurrent requests. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** The end of the wait that the service asked for, epoch ms, or `null`. */
  get heldUntilMs(): number | null {
    return this.#heldUntilMs > Date.now() ? this.#heldUntilMs : null;
  }

  /** Waits for a slot. Rejects with the signal's reason if it is aborted first. */
  take(lane: string, signal?: AbortSignal): Promise<Slot> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        waiting.isOver = true;
        reject(signal?.reason);
      };
      const waiting: Waiting = {
        grant: (slot) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(slot);
        },
        isOver: false,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const queue = this.#lanes.get(lane);
      if (queue) queue.push(waiting);
      else this.#lanes.set(lane, [waiting]);
      this.#grant();
    });
  }

  #grant(): void {
    const holdMs = this.#heldUntilMs - Date.now();
    if (holdMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#grant();
      }, holdMs);
      return;
    }
    while (this.#taken < this.limit) {
      const next = this.#next();
      if (!next) return;
      next.grant(this.#slot());
    }
  }

  /** Takes the next waiter of the first lane and moves that lane to the end. */
  #next(): Waiting | undefined {
    for (const [lane, queue] of this.#lanes) {
      this.#lanes.delete(lane);
      let next = queue.shift();
      while (next?.isOver) next = queue.shift();
      if (queue.length > 0) this.#lanes.set(lane, queue);
      if (next) return next;
    }
    return undefined;
  }

  #slot(): Slot {
    const takenAtMs = Date.now();
    let isCounted = true;
    let isReleased = false;
    this.#taken += 1;
    const freeSlot = () => {
      clearTimeout(slow);
      if (isCounted) this.#taken -= 1;
      isCounted = false;
    };
    const slow = setTimeout(() => {
      freeSlot();
      this.#grant();
    }, this.#slowAfterMs);
    return {
      release: (verdict, retryAfterMs) => {
        if (isReleased) return;
        isReleased = true;
        freeSlot();
        if (verdict === 'throttled') this.#slowDown(takenAtMs, retryAfterMs);
        else if (verdict === 'fine') this.#speedUp();
        this.#grant();
      },
    };
  }

  #speedUp(): void {
    this.#limit = Math.min(this.#ceiling, this.#limit + (this.#isProbing ? 1 : 1 / this.#limit));
  }

  #slowDown(takenAtMs: number, retryAfterMs = DEFAULT_HOLD_MS): void {
    const nowMs = Date.now();
    const holdMs = Math.max(MIN_HOLD_MS, Math.min(retryAfterMs, MAX_HOLD_MS));
    this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + holdMs);
    this.#isProbing = false;
    this.#onHold();
    // Requests in flight together are throttled together: one halving is enough.
    if (takenAtMs <= this.#cutAtMs) return;
    this.#cutAtMs = nowMs;
    this.#limit = Math.max(1, this.#limit / 2);
  }
}
