import type { ServerResponse } from 'node:http';
import { ConnectError } from './connect-error';
import { encodeEndStream, encodeMessage } from './envelope';
import type { MessageStream } from './rpc';

type Keepalive = { readonly keepalive: object | undefined; readonly keepaliveMs: number };

/** Writes the response of a stream: HTTP 200, envelopes, and an end-of-stream envelope (docs/protocol.md#streams). */
export class StreamWriter implements MessageStream<object> {
  readonly #response: ServerResponse;
  readonly #options: Keepalive;
  #hasEnded = false;
  #keepaliveTimer: NodeJS.Timeout | undefined;
  /** Set while the connection accepts no more data. */
  #drained: { promise: Promise<void>; resolve(): void; reject(error: ConnectError): void } | null = null;

  constructor(response: ServerResponse, options: Keepalive) {
    this.#response = response;
    this.#options = options;
    response.on('drain', () => this.#release());
    response.once('close', () => this.#stop());
  }

  send(message: object): Promise<void> {
    if (this.#hasEnded || this.#response.destroyed) return Promise.reject(endedError());
    const acceptsMore = this.#write(encodeMessage(message));
    this.#armKeepalive();
    return acceptsMore ? Promise.resolve() : this.#waitForDrain();
  }

  end(error?: ConnectError): void {
    if (this.#hasEnded) return;
    this.#stop();
    if (this.#response.destroyed) return;
    this.#writeHead();
    this.#response.end(encodeEndStream(error));
  }

  #write(envelope: Buffer): boolean {
    this.#writeHead();
    return this.#response.write(envelope);
  }

  #writeHead(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      'content-type': 'application/connect+json',
      'cache-control': 'no-store',
    });
  }

  #waitForDrain(): Promise<void> {
    if (!this.#drained) {
      let resolve = () => {};
      let reject: (error: ConnectError) => void = () => {};
      const promise = new Promise<void>((onResolve, onReject) => {
        resolve = onResolve;
        reject = onReject;
      });
      // The stream may end while no handler waits.
      promise.catch(() => {});
      this.#drained = { promise, resolve, reject };
    }
    return this.#drained.promise;
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }

  #stop(): void {
    this.#hasEnded = true;
    clearTimeout(this.#keepaliveTimer);
    this.#drained?.reject(endedError());
    this.#drained = null;
  }

  #armKeepalive(): void {
    if (!this.#options.keepalive) return;
    if (this.#keepaliveTimer) this.#keepaliveTimer.refresh();
    else this.#keepaliveTimer = setTimeout(() => this.#keepAlive(), this.#options.keepaliveMs);
  }

  /** Skips a keepalive while earlier data is still waiting to be sent. */
  #keepAlive(): void {
    const { keepalive } = this.#options;
    if (this.#hasEnded || !keepalive) return;
    if (!this.#response.writableNeedDrain) this.#write(encodeMessage(keepalive));
    this.#keepaliveTimer?.refresh();
  }
}

function endedError(): ConnectError {
  return new ConnectError('canceled', 'the stream has ended');
}
