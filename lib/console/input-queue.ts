import 'server-only';

type Piece = { bytes: Uint8Array; taken: () => void; failed: () => void };

/** What waits for the sandbox beyond this is refused. */
const MAX_WAITING_BYTES = 512 * 1024;
/** And beyond so many pieces: each takes more than what is in it. */
const MAX_WAITING = 4_096;
/** How much is typed in one request. */
const MAX_AT_ONCE_BYTES = 64 * 1024;

/** Brings what is typed into the sandbox in its order: one request at a time, with all that came meanwhile. */
export class InputQueue {
  readonly #type: (bytes: Uint8Array) => Promise<void>;
  #waiting: Piece[] = [];
  #waitingBytes = 0;
  #isTyping = false;

  constructor(type: (bytes: Uint8Array) => Promise<void>) {
    this.#type = type;
  }

  /** False when there is no room. `taken` once it has arrived, `failed` when whether it did is not known. */
  add(bytes: Uint8Array, taken: () => void, failed: () => void): boolean {
    if (this.#waiting.length >= MAX_WAITING) return false;
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) return false;
    this.#waiting.push({ bytes, taken, failed });
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
        for (const { taken } of pieces) taken();
      } catch {
        // What stands behind it was typed in the belief that this had arrived.
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
      return at === 0 || bytes <= MAX_AT_ONCE_BYTES;
    };
    const beyond = this.#waiting.findIndex((piece, at) => !isWithin(piece, at));
    const pieces = this.#waiting.splice(0, beyond < 0 ? this.#waiting.length : beyond);
    for (const piece of pieces) this.#waitingBytes -= piece.bytes.length;
    return pieces;
  }
}
