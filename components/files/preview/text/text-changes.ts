import { EditorView } from '@codemirror/view';
import { differenceOf, type Piece, piecesIn, wasCut } from '@/lib/files/preview/text/text-pieces';
import { changeText } from './editor';
import type { LoadedText } from './loaded-text';

const AT_END_PX = 24;
/** Limits rereading to a part of the time. */
const PAUSE_PER_MS_READ = 3;

type Callbacks = {
  /** Whether a newer version is held back. */
  onNews: (hasNews: boolean) => void;
  /** The file was cut, and what is left of it is shown. */
  onCut: () => void;
  /** Called after each reading, with the failure or `null`. */
  onRead: (failure: unknown) => void;
};

/** Applies changes of the file without moving the visible text. */
export class TextChanges {
  readonly #text: LoadedText;
  readonly #leaving: AbortSignal;
  readonly #callbacks: Callbacks;
  #held: (() => void) | null = null;
  #reading: Promise<void> | null = null;
  #isDue = false;
  #sizeBytes = 0;
  #wasAtEnd = false;

  constructor(text: LoadedText, leaving: AbortSignal, callbacks: Callbacks) {
    this.#text = text;
    this.#leaving = leaving;
    this.#callbacks = callbacks;
  }

  /** Rereads the loaded part after a change of the file. */
  refresh(sizeBytes: number): Promise<void> {
    this.#isDue = true;
    this.#sizeBytes = sizeBytes;
    this.#reading ??= this.#readWhileDue().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  show(): void {
    this.#held?.();
  }

  async #readWhileDue(): Promise<void> {
    while (this.#isDue && !this.#leaving.aborted) {
      this.#isDue = false;
      const startedMs = performance.now();
      try {
        if (!this.#text.isEmpty) await this.#reread(this.#sizeBytes);
        this.#callbacks.onRead(null);
      } catch (thrown) {
        this.#callbacks.onRead(thrown);
      }
      const pauseMs = (performance.now() - startedMs) * PAUSE_PER_MS_READ;
      if (this.#isDue) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #reread(sizeBytes: number): Promise<void> {
    const text = this.#text;
    const { isWhole, pieces: before, sizeBytes: beforeBytes } = text;
    const hasGrown = sizeBytes > text.sizeBytes && this.#held === null;
    const holdsEnd = text.next === before;
    text.sizeBytes = sizeBytes;
    if (hasGrown && (await (holdsEnd ? this.#takeGrowth(before - 1) : this.#growsElsewhere(before - 1))))
      return;
    const first = Math.min(text.first, text.pieces - 1);
    const wanted = isWhole && text.isWhole ? text.pieces : Math.max(1, text.next - text.first);
    const last = Math.min(first + wanted, piecesIn(sizeBytes)) - 1;
    text.index.forgetFrom(0);
    const read: Piece[] = [];
    for (let index = first; index <= last; index += 1) read.push(await text.read(index));
    await this.#take(first, read, { beforeBytes, afterBytes: sizeBytes });
  }

  /** Whether the loaded part, judged by its first piece, is unchanged and only the unloaded end has grown. */
  async #growsElsewhere(lastPiece: number): Promise<boolean> {
    const { first } = this.#text;
    const { text } = await this.#text.read(first);
    const isSame = this.#text.doc.sliceString(0, this.#text.lengthOf(first)) === text;
    if (first !== this.#text.first || !isSame) return false;
    this.#text.index.forgetFrom(lastPiece);
    return true;
  }

  /** Appends the growth. Returns false if anything else has changed. */
  async #takeGrowth(lastPiece: number): Promise<boolean> {
    const text = this.#text;
    const known = text.doc.sliceString(text.startOf(lastPiece));
    const piece = await text.read(lastPiece);
    if (text.next !== lastPiece + 1 || !piece.text.startsWith(known)) return false;
    const follows = this.#isAtEnd();
    text.grow(piece.text.slice(known.length));
    while ((text.isWhole || follows) && text.next < text.pieces && !text.isExtending)
      await text.extend('after');
    if (follows) this.#stayAtEnd();
    return true;
  }

  /** Applies a new version, unless it would move the visible text. */
  async #take(
    first: number,
    pieces: readonly Piece[],
    sizes: { beforeBytes: number; afterBytes: number },
  ): Promise<void> {
    const text = this.#text;
    const now = pieces.map((piece) => piece.text).join('');
    const before = text.doc.toString();
    const difference = differenceOf(before, now);
    const isCut = difference !== null && wasCut(before, now, sizes);
    const apply = () => {
      const follows = this.#isAtEnd();
      const changes = differenceOf(text.doc.toString(), now);
      text.take(first, pieces);
      if (changes !== null) changeText(text.view, { changes });
      this.#held = null;
      this.#callbacks.onNews(false);
      if (follows) this.#stayAtEnd();
    };
    if (isCut) {
      // The shown lines are gone, so there is no place to keep except the end.
      const follows = this.#isAtEnd();
      apply();
      this.#callbacks.onCut();
      while (follows && text.next < text.pieces && !text.isExtending) await text.extend('after');
      if (follows) this.#stayAtEnd();
      return;
    }
    if (difference === null || !this.#wouldMove(difference)) {
      apply();
      return;
    }
    this.#held = apply;
    this.#callbacks.onNews(true);
  }

  /** Whether the change touches the top line or the selection. */
  #wouldMove({ from, to }: { from: number; to: number }): boolean {
    const { view } = this.#text;
    const { scrollTop } = view.scrollDOM;
    const top = view.lineBlockAtHeight(Math.max(0, scrollTop)).from;
    const { main } = view.state.selection;
    const touchesSelection = !main.empty && from < main.to && to > main.from;
    return (scrollTop > 0 && from < top && to > top) || touchesSelection;
  }

  /** Without lines to scroll, as after a cut, it is where it was before. */
  #isAtEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#text.view.scrollDOM;
    if (clientHeight > 0 && scrollHeight > clientHeight)
      this.#wasAtEnd = scrollHeight - scrollTop - clientHeight < AT_END_PX;
    return this.#wasAtEnd;
  }

  #stayAtEnd(): void {
    const effects = EditorView.scrollIntoView(this.#text.doc.length, { y: 'end', yMargin: 0 });
    this.#text.view.dispatch({ effects });
  }
}
