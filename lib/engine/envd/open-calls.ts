import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConnectError } from './connect-error';

/** How long a caller may take to read the end of a stream that the engine closes, before its connection is cut. */
const CLOSE_GRACE_MS = 1_000;
const MAX_SETTLE_MS = 2_000;

/** One request while it is being served. */
export class OpenCall {
  readonly #response: ServerResponse;
  readonly #controller = new AbortController();
  readonly #settle: () => void;
  readonly settled: Promise<void>;

  constructor(response: ServerResponse) {
    this.#response = response;
    let settle = () => {};
    this.settled = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
    // A caller that goes away in the middle of an answer is no failure of the engine.
    response.on('error', () => {});
    response.once('close', () => {
      if (!response.writableFinished) this.abort(new ConnectError('canceled', 'the caller went away'));
    });
  }

  /** Aborts when the caller has gone, the sandbox stops or a deadline has passed; the reason is a ConnectError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: ConnectError): void {
    this.#controller.abort(reason);
  }

  /** Whatever the caller does, its connection ends soon. */
  cutSoon(): void {
    const timer = setTimeout(() => this.#response.destroy(), CLOSE_GRACE_MS);
    timer.unref();
    this.#response.once('close', () => clearTimeout(timer));
  }

  finish(): void {
    this.#settle();
  }
}

/** Every request that is being served, by sandbox, so that a pause or a kill can end them. */
export class OpenCalls {
  readonly #calls = new Map<string, Set<OpenCall>>();

  /** Runs `serve` as a request of a sandbox. */
  async run(
    guestId: string,
    response: ServerResponse,
    serve: (call: OpenCall) => Promise<void>,
  ): Promise<void> {
    const call = new OpenCall(response);
    const ofGuest = this.#calls.get(guestId) ?? new Set();
    this.#calls.set(guestId, ofGuest.add(call));
    try {
      await serve(call);
    } finally {
      ofGuest.delete(call);
      if (ofGuest.size === 0 && this.#calls.get(guestId) === ofGuest) this.#calls.delete(guestId);
      call.finish();
    }
  }

  /** Ends every request of a sandbox with `reason`. Resolves when nothing touches its files any more, or after 2 s. */
  async close(guestId: string, reason: ConnectError): Promise<void> {
    const ofGuest = [...(this.#calls.get(guestId) ?? [])];
    for (const call of ofGuest) {
      call.abort(reason);
      call.cutSoon();
    }
    const settled = Promise.all(ofGuest.map((call) => call.settled));
    // A handler that hangs must not hold up a pause or a kill for ever.
    await Promise.race([settled, sleep(MAX_SETTLE_MS, undefined, { ref: false })]);
  }
}

/** What `promise` settles with, unless the signal aborts first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
