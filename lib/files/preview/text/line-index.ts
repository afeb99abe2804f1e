/** The line number at the start of each piece, known up to the first unread piece. */
export class LineIndex {
  /** Line ends per piece; a hole if unread. */
  readonly #ends: (number | undefined)[] = [];
  /** Line ends before each piece, up to and including the first unread one. */
  readonly #before: number[] = [0];

  note(piece: number, lineEnds: number): void {
    const known = this.#ends[piece];
    if (known === lineEnds) return;
    this.#ends[piece] = lineEnds;
    // Recount the pieces after a changed one.
    if (known !== undefined) this.#before.length = Math.min(this.#before.length, piece + 1);
    for (;;) {
      const next = this.#before.length - 1;
      const ends = this.#ends[next];
      if (ends === undefined) return;
      this.#before.push((this.#before[next] ?? 0) + ends);
    }
  }

  forgetFrom(piece: number): void {
    this.#ends.length = Math.min(this.#ends.length, piece);
    this.#before.length = Math.min(this.#before.length, piece + 1);
  }

  /** The line number (from 1) at the start of a piece, or `null` if unknown. */
  lineAt(piece: number): number | null {
    const before = this.#before[piece];
    return before === undefined ? null : before + 1;
  }

  /** The first uncounted piece. */
  get frontier(): number {
    return this.#before.length - 1;
  }

  /** The piece in which a line starts and the line ends before it in that piece, or `null` if unknown. */
  find(line: number): { piece: number; skip: number } | null {
    const wanted = line - 1;
    let low = 0;
    let high = this.#before.length - 1;
    if (wanted > (this.#before[high] ?? 0)) return null;
    // Binary search for the first piece with enough line ends. The line starts in it or directly after it.
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#before[middle + 1] ?? Number.POSITIVE_INFINITY) >= wanted) high = middle;
      else low = middle + 1;
    }
    return { piece: low, skip: wanted - (this.#before[low] ?? 0) };
  }
}
