import { EditorView } from '@codemirror/view';
import { differenceOf, type Piece, piecesIn } from '@/lib/files/preview/text/text-pieces';
import { changeText } from './editor';
import type { LoadedText } from './loaded-text';

const AT_END_PX = 24;
/** Reading again takes at most this part of the time. */
const PAUSE_PER_MS_READ = 3;

type Ways = {
  /** Whether there is something new that is held back. */
  onNews: (hasNews: boolean) => void;
  /** It was read again, or could not be. */
  onRead: (failure: unknown) => void;
};

/** Takes over what changes in a file while it is read, without moving what is in sight. */
export class TextChanges {
  readonly #text: LoadedText;
  readonly #leaving: AbortSignal;
  readonly #ways: Ways;
  #held: (() => void) | null = null;
  #reading: Promise<void> | null = null;
  #isDue = false;
  #sizeBytes = 0;

  constructor(text: LoadedText, leaving: AbortSignal, ways: Ways) {
    this.#text = text;
    this.#leaving = leaving;
    this.#ways = ways;
  }

  /** The file has this size now, or holds something else: reads what is loaded again, and shows what may be shown. */
  refresh(sizeBytes: number): Promise<void> {
    this.#isDue = true;
    this.#sizeBytes = sizeBytes;
    this.#reading ??= this.#readWhileDue().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Shows what was held back. */
  show(): void {
    this.#held?.();
  }

  async #readWhileDue(): Promise<void> {
    while (this.#isDue && !this.#leaving.aborted) {
      this.#isDue = false;
      const startedMs = performance.now();
      try {
        if (!this.#text.isEmpty) await this.#readAgain(this.#sizeBytes);
        this.#ways.onRead(null);
      } catch (thrown) {
        this.#ways.onRead(thrown);
      }
      const pauseMs = (performance.now() - startedMs) * PAUSE_PER_MS_READ;
      if (this.#isDue) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #readAgain(sizeBytes: number): Promise<void> {
    const text = this.#text;
    const { isWhole, pieces: before } = text;
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
    this.#take(first, read);
  }

  /** The end is not loaded, and what is has stayed as it was, by its first piece; false where that is not so. */
  async #growsElsewhere(lastPiece: number): Promise<boolean> {
    const { first } = this.#text;
    const { text } = await this.#text.read(first);
    const isSame = this.#text.doc.sliceString(0, this.#text.lengthOf(first)) === text;
    if (first !== this.#text.first || !isSame) return false;
    this.#text.index.forgetFrom(lastPiece);
    return true;
  }

  /** What was added at the end; false where that is not all that has changed. */
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

  /** Shows what has been read again, unless that would move what is being read. */
  #take(first: number, pieces: readonly Piece[]): void {
    const text = this.#text;
    const now = pieces.map((piece) => piece.text).join('');
    const difference = differenceOf(text.doc.toString(), now);
    const apply = () => {
      const follows = this.#isAtEnd();
      const changes = differenceOf(text.doc.toString(), now);
      text.take(first, pieces);
      if (changes !== null) changeText(text.view, { changes });
      this.#held = null;
      this.#ways.onNews(false);
      if (follows) this.#stayAtEnd();
    };
    if (difference === null || !this.#wouldMove(difference)) {
      apply();
      return;
    }
    this.#held = apply;
    this.#ways.onNews(true);
  }

  /** Whether the line at the top, or what is selected, would be another. */
  #wouldMove({ from, to }: { from: number; to: number }): boolean {
    const { view } = this.#text;
    const { scrollTop } = view.scrollDOM;
    const top = view.lineBlockAtHeight(Math.max(0, scrollTop)).from;
    const { main } = view.state.selection;
    const touchesSelection = !main.empty && from < main.to && to > main.from;
    return (scrollTop > 0 && from < top && to > top) || touchesSelection;
  }

  #isAtEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#text.view.scrollDOM;
    return scrollHeight > clientHeight && scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  #stayAtEnd(): void {
    const effects = EditorView.scrollIntoView(this.#text.doc.length, { y: 'end', yMargin: 0 });
    this.#text.view.dispatch({ effects });
  }
}
