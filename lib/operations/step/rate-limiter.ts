import type { Hold } from '../schema';

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
  /** Called when a hold begins or ends early. */
  onHold?: () => void;
};

type Waiting = { grant: (slot: Slot) => void; isOver: boolean };

const FIRST_LIMIT = 8;
const SLOW_AFTER_MS = 5_000;
/** Longer requests of the service count as this. */
const MAX_HOLD_MS = 24 * 60 * 60_000;
/** Our own holds double with each refusal in a row, within these bounds. */
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 60_000;
/** A longer hold is probed with one request at these intervals, because its reason may end early. */
const PROBE_EVERY_MS = 60_000;

/**
 * Limits concurrent requests and adapts the limit: it doubles per round until the service first throttles (429, 503),
 * then grows by one per round. Each throttling halves it, once for requests that were in flight together, and begins a hold:
 * as long as the service asked, and longer with each refusal in a row.
 *
 * Lanes alternate, so that a single kill does not wait behind a bulk of thousands.
 */
export class RateLimiter {
  readonly #ceiling: number;
  readonly #slowAfterMs: number;
  readonly #onHold: () => void;
  readonly #lanes = new Map<string, Waiting[]>();
  #limit: number;
  #isDoubling = true;
  #taken = 0;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #hold: Hold = { untilMs: 0, isAsked: false };
  #probeAtMs = 0;
  #isProbeSent = false;
  /** Rounds of refusals since the last success. */
  #refusals = 0;
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

  /** The current hold, or `null`. */
  get hold(): Hold | null {
    return this.#hold.untilMs > Date.now() ? this.#hold : null;
  }

  /** Ends a hold with a single request. If it succeeds, others follow. */
  tryNow(): void {
    if (this.hold === null) return;
    this.#probeAtMs = Date.now();
    this.#grant();
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
    if (this.hold !== null) {
      this.#grantProbe();
      return;
    }
    while (this.#taken < this.limit) {
      const next = this.#next();
      if (!next) return;
      next.grant(this.#slot());
    }
  }

  /** Sends one request during a hold when it is due, and sets the timer for the next. */
  #grantProbe(): void {
    if (this.#isProbeSent) return;
    const waitMs = Math.min(this.#hold.untilMs, this.#probeAtMs) - Date.now();
    if (waitMs > 0) {
      if (this.#timer) clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#grant();
      }, waitMs);
      return;
    }
    const next = this.#next();
    if (!next) return;
    this.#isProbeSent = true;
    next.grant(this.#slot({ isProbe: true }));
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

  #slot({ isProbe = false } = {}): Slot {
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
        if (isProbe) {
          this.#isProbeSent = false;
          this.#probeAtMs = Date.now() + PROBE_EVERY_MS;
        }
        if (verdict === 'throttled') this.#slowDown(takenAtMs, retryAfterMs);
        else if (verdict === 'fine') this.#speedUp(isProbe);
        this.#grant();
      },
    };
  }

  /** Any success ends the count of refusals. Only that of a probe ends a hold: others were sent before it. */
  #speedUp(isProbe: boolean): void {
    this.#refusals = 0;
    this.#limit = Math.min(this.#ceiling, this.#limit + (this.#isDoubling ? 1 : 1 / this.#limit));
    if (!isProbe || this.hold === null) return;
    this.#hold = { untilMs: 0, isAsked: false };
    this.#onHold();
  }

  #slowDown(takenAtMs: number, retryAfterMs = 0): void {
    const nowMs = Date.now();
    // Requests in flight together are throttled together: one halving is enough.
    const isSameRound = takenAtMs <= this.#cutAtMs;
    if (!isSameRound) {
      this.#refusals += 1;
      this.#cutAtMs = nowMs;
      this.#limit = Math.max(1, this.#limit / 2);
    }
    this.#isDoubling = false;
    const backoffMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** (this.#refusals - 1));
    const ownMs = backoffMs * (0.5 + Math.random() / 2);
    const isAsked = retryAfterMs >= ownMs;
    // Spread, so that several processes do not return together, but never earlier than the service asked.
    const askedMs = Math.min(retryAfterMs, MAX_HOLD_MS) + (Math.random() * backoffMs) / 2;
    const untilMs = nowMs + Math.ceil(isAsked ? askedMs : ownMs);
    if (untilMs > this.#hold.untilMs) this.#hold = { untilMs, isAsked };
    this.#probeAtMs = nowMs + PROBE_EVERY_MS;
    this.#onHold();
  }
}
