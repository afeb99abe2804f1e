import type { ChangeSpec, Text } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { ApiFailure } from '@/lib/api-client';
import type { Encoding } from '@/lib/files/preview/text/encoding';
import { LineIndex } from '@/lib/files/preview/text/line-index';
import { decodePiece, type Piece, pieceSpan, piecesIn } from '@/lib/files/preview/text/text-pieces';
import { readBytes } from '@/lib/files/transfer/read-bytes';
import type { SandboxKey } from '@/lib/sandbox-key';
import { changeText } from './editor';

/** Larger texts are loaded in pieces around the visible part. */
const WHOLE_BYTES = 20 * 1024 * 1024;
const MAX_PIECES = 6;
/** The height beyond which CodeMirror scales its content. */
const MAX_UNSCALED_PX = 7_000_000;

export type TextSource = {
  sandboxKey: SandboxKey;
  path: string;
  encoding: Encoding;
  sizeBytes: number;
  /** The first bytes of the file, if already loaded. */
  head: Uint8Array;
};

/** The consecutive pieces of a text that are loaded into an editor. */
export class LoadedText {
  readonly #source: TextSource;
  readonly #leaving: AbortSignal;
  readonly #onChange: () => void;
  readonly index = new LineIndex();
  sizeBytes: number;
  /** Whether the sandbox can be read. */
  isLive = true;
  #lengths: number[] = [];
  #first = 0;
  #isExtending = false;
  /** Changes with each new version of the loaded part. */
  #generation = 0;
  #view: EditorView | null = null;

  constructor(source: TextSource, leaving: AbortSignal, onChange: () => void) {
    this.#source = source;
    this.#leaving = leaving;
    this.#onChange = onChange;
    this.sizeBytes = source.sizeBytes;
  }

  showIn(view: EditorView): void {
    this.#view = view;
  }

  get view(): EditorView {
    if (this.#view === null) throw new Error('The editor is not set.');
    return this.#view;
  }

  get doc(): Text {
    return this.view.state.doc;
  }

  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#first + this.#lengths.length;
  }

  get pieces(): number {
    return piecesIn(this.sizeBytes);
  }

  get isWhole(): boolean {
    return this.sizeBytes <= WHOLE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#lengths.length === 0;
  }

  get holdsAll(): boolean {
    return this.#lengths.length >= this.pieces;
  }

  get isExtending(): boolean {
    return this.#isExtending;
  }

  has(piece: number): boolean {
    return piece >= this.#first && piece < this.next;
  }

  /** The document offset of a loaded piece. */
  startOf(piece: number): number {
    return this.#lengths.slice(0, piece - this.#first).reduce((sum, length) => sum + length, 0);
  }

  lengthOf(piece: number): number {
    return this.#lengths[piece - this.#first] ?? 0;
  }

  /** Throws `ApiFailure`, or the abort reason. */
  async read(index: number, signal = this.#leaving): Promise<Piece> {
    const { sandboxKey, path, encoding, head } = this.#source;
    const isAtHand = index === 0 && this.isEmpty && head.length >= this.sizeBytes;
    if (!this.isLive && !isAtHand)
      throw new ApiFailure(
        'conflict',
        'More of the file cannot be read, because the sandbox is not running.',
      );
    const { bytes, sizeBytes } = isAtHand
      ? { bytes: head, sizeBytes: head.length }
      : await readBytes(sandboxKey, path, { ...pieceSpan(index), signal });
    signal.throwIfAborted();
    if (sizeBytes > this.sizeBytes) this.sizeBytes = sizeBytes;
    const piece = decodePiece(bytes, { index, encoding });
    this.index.note(index, piece.lineEnds);
    return piece;
  }

  /** Loads an adjacent piece and unloads one at the other end if there are too many. */
  async extend(where: 'after' | 'before'): Promise<void> {
    this.#isExtending = true;
    const [first, next, generation] = [this.#first, this.next, this.#generation];
    try {
      const { text } = await this.read(where === 'after' ? next : first - 1);
      // The loaded part has moved or changed during the reading.
      if (this.#first !== first || this.next !== next || this.#generation !== generation) return;
      const isFull = !this.isWhole && this.#lengths.length >= MAX_PIECES;
      const end = this.doc.length;
      if (where === 'after') {
        const dropped = isFull ? (this.#lengths.shift() ?? 0) : 0;
        this.#lengths.push(text.length);
        if (isFull) this.#first += 1;
        this.#replaceEnds([
          { from: 0, to: dropped },
          { from: end, insert: text },
        ]);
      } else {
        const dropped = isFull ? (this.#lengths.pop() ?? 0) : 0;
        this.#lengths.unshift(text.length);
        this.#first -= 1;
        this.#replaceEnds([
          { from: 0, insert: text },
          { from: end - dropped, to: end },
        ]);
      }
      this.#onChange();
    } finally {
      this.#isExtending = false;
    }
  }

  /** Keeps the top line in place. */
  #replaceEnds(ends: ChangeSpec): void {
    const { view } = this;
    const changes = view.state.changes(ends);
    const isTall = changes.apply(this.doc).lines * view.defaultLineHeight > MAX_UNSCALED_PX;
    if (this.isWhole || !isTall) {
      changeText(view, { changes });
      return;
    }
    // Scroll positions are scaled, so the same position would show other text.
    const top = changes.mapPos(view.lineBlockAtHeight(view.scrollDOM.scrollTop).from, 1);
    changeText(view, { changes, effects: EditorView.scrollIntoView(top, { y: 'start', yMargin: 0 }) });
  }

  /** Loads the rest of a text that fits whole, unless this is already in progress. */
  async fill(): Promise<void> {
    while (this.isWhole && this.#first === 0 && this.next < this.pieces && !this.#isExtending)
      await this.extend('after');
  }

  /** Loads a piece and its neighbours. */
  async bring(piece: number, signal: AbortSignal): Promise<void> {
    if (this.isWhole) {
      while (piece >= this.next && this.next < this.pieces) {
        const { next } = this;
        const { text } = await this.read(next, signal);
        if (this.next === next) this.#append(text);
      }
      return;
    }
    if (this.has(piece)) return;
    const first = Math.max(0, piece - 1);
    const last = Math.min(piece + 1, this.pieces - 1);
    const read: Piece[] = [];
    for (let index = first; index <= last; index += 1) read.push(await this.read(index, signal));
    this.show(first, read);
  }

  show(first: number, pieces: readonly Piece[]): void {
    this.take(first, pieces);
    const insert = pieces.map(({ text }) => text).join('');
    changeText(this.view, { changes: { from: 0, to: this.doc.length, insert }, selection: { anchor: 0 } });
    this.#onChange();
  }

  /** Records which pieces the document holds. */
  take(first: number, pieces: readonly Piece[]): void {
    this.#first = first;
    this.#generation += 1;
    this.#lengths = pieces.map(({ text }) => text.length);
  }

  grow(text: string): void {
    this.#lengths[this.#lengths.length - 1] = this.lengthOf(this.next - 1) + text.length;
    changeText(this.view, { changes: { from: this.doc.length, insert: text } });
    this.#onChange();
  }

  #append(text: string): void {
    this.#lengths.push(text.length);
    changeText(this.view, { changes: { from: this.doc.length, insert: text } });
    this.#onChange();
  }

  /** The line number in the whole text, or `null` if unknown. */
  numberOf(line: number): number | null {
    const base = this.index.lineAt(this.#first);
    return base === null ? null : base + line - 1;
  }

  /** The last line number, or `null` if unknown. */
  get lastLine(): number | null {
    return this.index.frontier >= this.pieces ? this.index.lineAt(this.pieces) : null;
  }

  /** The line count; a last line without a line end counts. `null` if unknown. */
  get lines(): number | null {
    const { lastLine } = this;
    const isEnded = this.next >= this.pieces && this.doc.line(this.doc.lines).length === 0;
    return lastLine !== null && isEnded ? lastLine - 1 : lastLine;
  }
}
