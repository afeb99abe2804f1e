import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendEdgeError } from '../edge-errors';
import { ConnectError } from './connect-error';

/** Time for a client to read a response before its connection is closed. */
const CLOSE_GRACE_MS = 1_000;
const MAX_SETTLE_MS = 2_000;

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
    // A client that disconnects is not an error of the engine.
    response.on('error', () => {});
    response.once('close', () => {
      if (!response.writableFinished) this.abort(new ConnectError('canceled', 'the client disconnected'));
    });
  }

  /** Aborts if the client disconnects, the sandbox stops or a deadline passes. The reason is a ConnectError. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: ConnectError): void {
    this.#controller.abort(reason);
  }

  /**
   * Ends the request as the edge of the service does when a sandbox stops: with its 502, or a closed connection if the
   * response has begun (docs/protocol.md#observed-failures).
   */
  cut(guestId: string, reason: ConnectError): void {
    if (this.#response.headersSent || this.#response.destroyed) this.#response.destroy();
    else {
      sendEdgeError(this.#response, 'notFound', { sandboxId: guestId }, { connection: 'close' });
      this.#closeSoon();
    }
    this.abort(reason);
  }

  /** Closes the connection soon, even if the client does not read. */
  #closeSoon(): void {
    const timer = setTimeout(() => this.#response.destroy(), CLOSE_GRACE_MS);
    timer.unref();
    this.#response.once('close', () => clearTimeout(timer));
  }

  finish(): void {
    this.#settle();
  }
}

/** All requests in progress by sandbox, which a pause or kill ends. */
export class OpenCalls {
  readonly #calls = new Map<string, Set<OpenCall>>();

  async run(
    guestId: string,
    response: ServerResponse,
    serve: (call: OpenCall) => Promise<void>,
  ): Promise<void> {
    const call = new OpenCall(response);
    const guestCalls = this.#calls.get(guestId) ?? new Set();
    this.#calls.set(guestId, guestCalls.add(call));
    try {
      await serve(call);
    } finally {
      guestCalls.delete(call);
      if (guestCalls.size === 0 && this.#calls.get(guestId) === guestCalls) this.#calls.delete(guestId);
      call.finish();
    }
  }

  /** Cuts every request of a sandbox. Resolves when they have settled, or after 2 s. */
  async close(guestId: string, reason: ConnectError): Promise<void> {
    const guestCalls = [...(this.#calls.get(guestId) ?? [])];
    for (const call of guestCalls) call.cut(guestId, reason);
    const settled = Promise.all(guestCalls.map((call) => call.settled));
    // A handler that hangs must not block a pause or kill.
    await Promise.race([settled, sleep(MAX_SETTLE_MS, undefined, { ref: false })]);
  }
}

/** Settles like `promise`, or rejects with the reason of the signal if that aborts first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Resolves once the chunk is sent and its buffer can be reused. */
export function sendChunk(response: ServerResponse, chunk: Buffer, signal: AbortSignal): Promise<void> {
  const written = new Promise<void>((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
  return untilAborted(written, signal);
}
