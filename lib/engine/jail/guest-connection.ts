import { Duplex } from 'node:stream';
import { costOf, encodeUint32, FrameKind, INPUT_CHUNK_BYTES, OUTPUT_WINDOW_BYTES } from './frames';
import type { Jail } from './jail';

/** A connection to a server inside a sandbox. Only its agent can make one: the sandbox's network is its own. */
export class GuestConnection extends Duplex {
  readonly #jail: Jail;
  readonly #subject: number;
  readonly #onOver: () => void;
  #underWayBytes = 0;
  #owedBytes = 0;
  #taken: (() => void)[] = [];
  #isEnded = false;

  constructor(jail: Jail, subject: number, onOver: () => void) {
    super({ allowHalfOpen: true });
    this.#jail = jail;
    this.#subject = subject;
    this.#onOver = onOver;
    this.on('error', () => {});
  }

  /** @throws RangeError when it is more than was allowed */
  receive(bytes: Buffer): void {
    if (this.#isEnded) throw new RangeError('data after the end');
    const cost = costOf(bytes);
    this.#underWayBytes += cost;
    if (this.#underWayBytes > OUTPUT_WINDOW_BYTES * 2) throw new RangeError('more data than allowed');
    this.#owedBytes += cost;
    if (this.push(bytes)) this.#payBack();
  }

  /** The server inside has sent all it will. */
  receiveEnd(): void {
    if (!this.#isEnded) this.push(null);
    this.#isEnded = true;
  }

  inputWasTaken(): void {
    this.#taken.shift()?.();
  }

  /** The connection is over on the other side. */
  over(): void {
    this.receiveEnd();
    for (const done of this.#taken.splice(0)) done();
    this.#onOver();
  }

  override _read(): void {
    this.#payBack();
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error) => void): void {
    const chunk = bytes.subarray(0, INPUT_CHUNK_BYTES);
    const rest = bytes.subarray(INPUT_CHUNK_BYTES);
    this.#taken.push(() =>
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
    this.#onOver();
    done(error);
  }

  #payBack(): void {
    const cost = this.#owedBytes;
    this.#owedBytes = 0;
    this.#underWayBytes -= cost;
    if (cost > 0) this.#jail.send(FrameKind.credit, this.#subject, encodeUint32(cost));
  }
}
