import 'server-only';

type Piece = { bytes: Uint8Array; sent: () => void; failed: () => void };

const MAX_WAITING_BYTES = 512 * 1024;
/** Each piece uses more memory than its bytes. */
const MAX_WAITING = 4_096;
const MAX_REQUEST_BYTES = 64 * 1024;

/** Sends input to the sandbox in order, one request at a time. A request carries all input that is waiting. */
export class InputQueue {
  readonly #type: (bytes: Uint8Array) => Promise<void>;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #isTyping = false;

  constructor(type: (bytes: Uint8Array) => Promise<void>) {
    this.#type = type;
  }

  /** Returns false if too much is waiting. Calls `failed` if the input may not have arrived. */
  add(bytes: Uint8Array, sent: () => void, failed: () => void): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return false;
    this.#waiting.push({ bytes, sent, failed });
    this.#waitingBytes += bytes.length;
    if (!this.#isTyping) void this.#work();
    return true;
  }

  async #work(): Promise<void> {
    this.#isTyping = true;
    while (this.#waiting.length > 0) {
      const pieces = this.#next();
      try {
        await this.#type(Buffer.concat(pieces.map(({ bytes }) => bytes)));
        for (const { sent } of pieces) sent();
      } catch {
        // The input behind it must not be typed without it.
        for (const { failed } of [...pieces, ...this.#waiting]) failed();
        this.#waiting = [];
        this.#waitingBytes = 0;
      }
    }
    this.#isTyping = false;
  }

  #next(): Piece[] {
    let bytes = 0;
    const isWithin = (piece: Piece, at: number) => {
      bytes += piece.bytes.length;
      return at === 0 || bytes <= MAX_REQUEST_BYTES;
    };
    const beyond = this.#waiting.findIndex((piece, at) => !isWithin(piece, at));
    const pieces = this.#waiting.splice(0, beyond < 0 ? this.#waiting.length : beyond);
    for (const piece of pieces) this.#waitingBytes -= piece.bytes.length;
    return pieces;
  }
}
