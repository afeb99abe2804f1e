/** Which line each piece of a text begins with, as far as all before it has been read: some numbers, however long the text. */
export class LineIndex {
  /** How many lines end in a piece; a hole where it has not been read. */
  readonly #ends: (number | undefined)[] = [];
  /** How many lines end before a piece; known up to and including the first that has not been read. */
  readonly #before: number[] = [0];

  /** A piece has been read. */
  note(piece: number, lineEnds: number): void {
    const known = this.#ends[piece];
    if (known === lineEnds) return;
    this.#ends[piece] = lineEnds;
    // What was counted on with another number is counted anew.
    if (known !== undefined) this.#before.length = Math.min(this.#before.length, piece + 1);
    for (;;) {
      const next = this.#before.length - 1;
      const ends = this.#ends[next];
      if (ends === undefined) return;
      this.#before.push((this.#before[next] ?? 0) + ends);
    }
  }

  /** Forgets everything from this piece on. */
  forgetFrom(piece: number): void {
    this.#ends.length = Math.min(this.#ends.length, piece);
    this.#before.length = Math.min(this.#before.length, piece + 1);
  }

  /** The number, from 1, of the line with which a piece begins or goes on; `null` where it is not known. */
  lineAt(piece: number): number | null {
    const before = this.#before[piece];
    return before === undefined ? null : before + 1;
  }

  /** The first piece whose line ends have not been counted: what must be read to know more. */
  get frontier(): number {
    return this.#before.length - 1;
  }

  /** The piece in which a line begins, and how many lines end in it before; `null` where that is not known yet. */
  find(line: number): { piece: number; skip: number } | null {
    const wanted = line - 1;
    let low = 0;
    let high = this.#before.length - 1;
    if (wanted > (this.#before[high] ?? 0)) return null;
    // The first piece at whose end enough lines have ended is the one in which the line begins, or just after it.
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#before[middle + 1] ?? Number.POSITIVE_INFINITY) >= wanted) high = middle;
      else low = middle + 1;
    }
    return { piece: low, skip: wanted - (this.#before[low] ?? 0) };
  }
}
