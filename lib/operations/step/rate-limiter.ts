/** How a request that took a slot ended, as far as the pace is concerned. */
export type Verdict = 'fine' | 'throttled' | 'failed';

/** The right to send one request. Give it back exactly once. */
export type Slot = { release: (verdict: Verdict, retryAfterMs?: number) => void };

type Options = {
  /** The most that may be under way at once. */
  ceiling: number;
  /** A request that takes longer no longer keeps others from being sent, ms. */
  slowAfterMs?: number;
  /** How many may be under way before the first answer. */
  firstLimit?: number;
  /** Called when the service has asked us to stay away. */
  onHold?: () => void;
};

type Waiting = { grant: (slot: Slot) => void; isOver: boolean };

const FIRST_LIMIT = 8;
const SLOW_AFTER_MS = 5_000;
/** However long the service asks us to stay away, it is asked again after this. Whoever cannot wait can cancel. */
const LONGEST_HOLD_MS = 60 * 60_000;
const SHORTEST_HOLD_MS = 100;
/** How long we stay away where the service says that it is too much but not for how long. */
const DEFAULT_HOLD_MS = 500;

/**
 * How many requests may be under way at once, found out by asking: it grows while the service answers well, doubling
 * with each round until the first refusal and then by one a round, and is halved when the service says that it is too
 * much (429, 503), at most once for what was under way together. Where it says for how long, nothing is sent until then.
 *
 * Slots go round by lane, so that a single kill need not wait behind a bulk of thousands.
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

  /** How many may be under way at once just now. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Until when nothing is sent because the service asked for it, epoch ms; `null` when it did not. */
  get heldUntilMs(): number | null {
    return this.#heldUntilMs > Date.now() ? this.#heldUntilMs : null;
  }

  /** Waits for the turn of `lane`. Throws the signal's reason when that comes first. */
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

  /** The first of the lane whose turn it is; that lane then stands behind the others. */
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
    const giveBack = () => {
      clearTimeout(slow);
      if (isCounted) this.#taken -= 1;
      isCounted = false;
    };
    const slow = setTimeout(() => {
      giveBack();
      this.#grant();
    }, this.#slowAfterMs);
    return {
      release: (verdict, retryAfterMs) => {
        if (isReleased) return;
        isReleased = true;
        giveBack();
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
    const holdMs = Math.max(SHORTEST_HOLD_MS, Math.min(retryAfterMs, LONGEST_HOLD_MS));
    this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + holdMs);
    this.#isProbing = false;
    this.#onHold();
    // What was sent together is refused together, and says one thing.
    if (takenAtMs <= this.#cutAtMs) return;
    this.#cutAtMs = nowMs;
    this.#limit = Math.max(1, this.#limit / 2);
  }
}
