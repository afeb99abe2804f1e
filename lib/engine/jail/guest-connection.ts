import { Duplex } from 'node:stream';
import { costOf, encodeUint32, FrameKind, INPUT_CHUNK_BYTES, OUTPUT_WINDOW_BYTES } from './frames';
import type { Jail } from './jail';

/** A connection to a server inside a sandbox, relayed by its agent because the sandbox has its own network. */
export class GuestConnection extends Duplex {
  readonly #jail: Jail;
  readonly #subject: number;
  readonly #onEnd: () => void;
  #inFlightBytes = 0;
  #unacknowledgedBytes = 0;
  #inputWaiters: (() => void)[] = [];
  #isEnded = false;

  constructor(jail: Jail, subject: number, onEnd: () => void) {
    super({ allowHalfOpen: true });
    this.#jail = jail;
    this.#subject = subject;
    this.#onEnd = onEnd;
    this.on('error', () => {});
  }

  /** @throws RangeError if the agent exceeds its window */
  receive(bytes: Buffer): void {
    if (this.#isEnded) throw new RangeError('data after the end');
    const cost = costOf(bytes);
    this.#inFlightBytes += cost;
    if (this.#inFlightBytes > OUTPUT_WINDOW_BYTES * 2) throw new RangeError('more data than allowed');
    this.#unacknowledgedBytes += cost;
    if (this.push(bytes)) this.#acknowledge();
  }

  receiveEnd(): void {
    if (!this.#isEnded) this.push(null);
    this.#isEnded = true;
  }

  inputAccepted(): void {
    this.#inputWaiters.shift()?.();
  }

  receiveClose(): void {
    this.receiveEnd();
    for (const done of this.#inputWaiters.splice(0)) done();
    this.#onEnd();
  }

  override _read(): void {
    this.#acknowledge();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const chunk = bytes.subarray(0, INPUT_CHUNK_BYTES);
    const rest = bytes.subarray(INPUT_CHUNK_BYTES);
    this.#inputWaiters.push(() =>
      rest.length > 0 && !this.destroyed ? this._write(rest, _encoding, done) : done(),
    );
    this.#jail.send(FrameKind.input, this.#subject, chunk);
  }

  override _final(done: () => void): void {
    this.#jail.send(FrameKind.finish, this.#subject);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#jail.send(FrameKind.drop, this.#subject);
    this.#onEnd();
    done(error);
  }

  #acknowledge(): void {
    const cost = this.#unacknowledgedBytes;
    this.#unacknowledgedBytes = 0;
    this.#inFlightBytes -= cost;
    if (cost > 0) this.#jail.send(FrameKind.credit, this.#subject, encodeUint32(cost));
  }
}
