import { EditorView } from '@codemirror/view';
import { ApiFailure } from '@/lib/api-client';
import {
  firstMatch,
  lastMatch,
  overlapOf,
  type TextSpan,
  textPattern,
} from '@/lib/files/preview/text/find-text';
import { PIECE_BYTES } from '@/lib/files/preview/text/text-pieces';
import { readAhead } from '@/lib/files/transfer/read-ahead';
import { TextEditor } from './editor';
import { countMatches, findInDoc, MAX_COUNTED, type Query } from './find-in-doc';
import { LoadedText, type TextSource } from './loaded-text';
import { TextChanges } from './text-changes';

/** How near to the end of what is loaded more of it is fetched, in heights of what is in sight. */
const NEAR = 3;
const PUT_ON_TOP = 60;
const LONG_LINE = 5_000;
/** How many pieces are read at a time where one after the other is looked through. */
const MAX_AHEAD = 3;

/** What is known of the text and of what goes on. */
export type TextState = {
  /** Nothing has been read yet. */
  isLoading: boolean;
  sizeBytes: number;
  /** Only a part of it is loaded at a time. */
  isPart: boolean;
  /** What is loaded: the first byte, and the first after it. */
  fromByte: number;
  toByte: number;
  /** How many lines there are, where all of it has been counted. */
  lines: number | null;
  /** Whether the numbers of the lines in sight are known. */
  isNumbered: boolean;
  cursor: { line: number | null; column: number };
  /** What is being looked for through the file, and how far that is. */
  seeking: { what: 'line' | 'text'; doneBytes: number } | null;
  /** How finding ended, in words. */
  found: string | null;
  /** It has changed in a way that would move what is being read. */
  hasNews: boolean;
  failure: ApiFailure | null;
};

type Told = Pick<TextState, 'seeking' | 'found' | 'hasNews' | 'failure'>;

type Wanted = TextSource & {
  parent: HTMLElement;
  label: string;
  wraps: boolean;
  line: number | null;
  onState: (state: TextState) => void;
  onLine: (line: number) => void;
  onFind: () => void;
  onGoTo: () => void;
};

/** Reads a text of any size into an editor, goes about in it, and keeps what is in sight where it is. */
export class TextController {
  readonly editor: TextEditor;
  readonly #text: LoadedText;
  readonly #changes: TextChanges;
  readonly #leaving = new AbortController();
  readonly #wanted: Wanted;
  #jump: AbortController | null = null;
  #query: Query | null = null;
  #scrollTop = 0;
  /** What is not read off the text itself. */
  #told: Told = {
    seeking: null,
    found: null,
    hasNews: false,
    failure: null,
  };

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    const { signal } = this.#leaving;
    this.#text = new LoadedText(wanted, signal, () => this.#changed());
    this.#changes = new TextChanges(this.#text, signal, {
      onNews: (hasNews) => this.#changed({ hasNews }),
      onRead: (failure) => (failure === null ? this.#changed() : this.#fail(failure)),
    });
    this.editor = new TextEditor({
      parent: wanted.parent,
      label: wanted.label,
      wraps: wanted.wraps,
      numberOf: (line) => this.#text.numberOf(line)?.toString() ?? '·',
      onNumber: (line) => this.#point(line),
      onCursor: () => this.#tell({}),
      keys: [
        { key: 'Mod-f', run: () => done(wanted.onFind()) },
        { key: 'Mod-g', run: () => done(wanted.onGoTo()) },
        { key: 'Mod-End', run: () => done(this.toEnd()) },
        { key: 'Mod-Home', run: () => done(this.toStart()) },
      ],
    });
    this.#text.showIn(this.editor.view);
    this.#view.scrollDOM.addEventListener('scroll', this.#onScroll, { passive: true });
    void this.#open(wanted.line);
  }

  destroy(): void {
    this.#leaving.abort();
    this.#jump?.abort();
    this.#view.scrollDOM.removeEventListener('scroll', this.#onScroll);
    this.#view.destroy();
  }

  /** Whether more can be read. */
  set isLive(isLive: boolean) {
    if (isLive === this.#text.isLive) return;
    this.#text.isLive = isLive;
    if (isLive && this.#told.failure !== null) this.retry();
  }

  /** Reads again what could not be read. */
  retry(): void {
    this.#tell({ failure: null });
    if (this.#text.isEmpty) void this.#open(this.#wanted.line);
    else void this.#changes.refresh(this.#text.sizeBytes).then(() => this.#text.fill().catch(this.#fail));
  }

  /** The file has this size now, or holds something else. */
  refresh(sizeBytes: number): void {
    void this.#changes.refresh(sizeBytes);
  }

  /** Shows what was held back. */
  showNews(): void {
    this.#changes.show();
  }

  toStart(): Promise<void> {
    return this.#go(0, () => this.#view.dispatch({ selection: { anchor: 0 }, scrollIntoView: true }));
  }

  toEnd(): Promise<void> {
    return this.#go(this.#text.pieces - 1, () =>
      this.#view.dispatch({ selection: { anchor: this.#text.doc.length }, scrollIntoView: true }),
    );
  }

  /** Shows what is there at about this byte. */
  toByte(offset: number): Promise<void> {
    const piece = Math.min(Math.floor(offset / PIECE_BYTES), this.#text.pieces - 1);
    return this.#go(piece, () => {
      const share = Math.min(offset / PIECE_BYTES - piece, 1);
      const at = this.#text.startOf(piece) + Math.floor(share * this.#text.lengthOf(piece));
      const line = this.#text.doc.lineAt(Math.min(at, this.#text.doc.length));
      // Within a line without end, its beginning is far away.
      this.#putOnTop(line.length > LONG_LINE ? Math.min(at, line.to) : line.from);
    });
  }

  /** Goes to a line by its number, reading on as far as it must to know where that is. */
  toLine(line: number): Promise<void> {
    return this.#jumping(async (signal) => {
      const { index } = this.#text;
      while (index.find(line) === null && index.frontier < this.#text.pieces) {
        this.#tell({ seeking: { what: 'line', doneBytes: index.frontier * PIECE_BYTES } });
        await this.#text.read(index.frontier, signal);
      }
      // Where there are not so many, the last it is.
      const place = index.find(line) ?? index.find(this.#text.lastLine ?? 1);
      if (place === null) return;
      await this.#text.bring(place.piece, signal);
      const { doc } = this.#text;
      const at = doc.lineAt(this.#text.startOf(place.piece)).number + place.skip;
      const { from } = doc.line(Math.min(at, doc.lines));
      this.#view.dispatch({ selection: { anchor: from } });
      this.#putOnTop(from);
    });
  }

  /** Gives up what is being looked for. */
  stop(): void {
    this.#jump?.abort();
    this.#jump = null;
    this.#tell({ seeking: null, found: 'Stopped' });
  }

  /** Marks what is looked for, and forgets it when there is nothing to look for any more. */
  look(text: string, options: { matchesCase: boolean }): void {
    this.#query = text === '' ? null : { text, pattern: textPattern(text, options) };
    this.editor.mark(this.#query?.pattern ?? null);
    this.#tell({ found: null });
  }

  /** Goes to the next place, or to the one before; around the end if it must. */
  find(direction: 1 | -1): Promise<void> {
    return this.#jumping(async (signal) => {
      const query = this.#query;
      if (query === null) return;
      const { from, to } = this.#view.state.selection.main;
      const here = findInDoc(this.#text.doc, query, direction, direction > 0 ? to : from);
      if (here !== null) {
        this.#showMatch(here, query);
        return;
      }
      if (!this.#text.holdsAll && (await this.#findBeyond(query, direction, signal))) return;
      const start = direction > 0 ? 0 : this.#text.doc.length;
      const around = findInDoc(this.#text.doc, query, direction, start);
      if (around !== null) this.#showMatch(around, query, ', from the other end');
      else this.#tell({ found: 'Not found' });
    });
  }

  get #view(): EditorView {
    return this.editor.view;
  }

  #open(line: number | null): Promise<void> {
    return this.#text
      .read(0)
      .then(async (piece) => {
        this.#text.show(0, [piece]);
        if (line !== null) await this.toLine(line);
        await this.#text.fill();
        this.#slide();
      })
      .catch(this.#fail);
  }

  readonly #onScroll = (): void => {
    const { scrollTop } = this.#view.scrollDOM;
    // Along a line there is nothing more to load.
    if (scrollTop === this.#scrollTop) return;
    this.#scrollTop = scrollTop;
    this.#slide();
  };

  /** Loads more where somebody comes near to the end of what is loaded. */
  #slide(): void {
    const text = this.#text;
    if (text.isWhole || text.isExtending || this.#jump !== null || !text.isLive) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#view.scrollDOM;
    const nearPx = NEAR * clientHeight;
    if (scrollHeight - scrollTop - clientHeight < nearPx && text.next < text.pieces)
      text.extend('after').catch(this.#fail);
    else if (scrollTop < nearPx && text.first > 0) text.extend('before').catch(this.#fail);
  }

  /** Does what leads elsewhere; whatever else was doing so is given up. */
  async #jumping(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#jump?.abort();
    const jump = new AbortController();
    this.#jump = jump;
    try {
      await work(jump.signal);
    } catch (thrown) {
      if (!jump.signal.aborted) this.#fail(thrown);
    } finally {
      if (this.#jump === jump) {
        this.#jump = null;
        this.#tell({ seeking: null });
      }
    }
  }

  #go(piece: number, then: () => void): Promise<void> {
    return this.#jumping(async (signal) => {
      await this.#text.bring(piece, signal);
      then();
    });
  }

  #putOnTop(position: number): void {
    const effects = EditorView.scrollIntoView(position, { y: 'start', yMargin: PUT_ON_TOP });
    this.#view.dispatch({ effects });
  }

  #point(line: number): void {
    const number = this.#text.numberOf(line);
    if (number === null) return;
    this.#view.dispatch({ selection: { anchor: this.#text.doc.line(line).from } });
    this.#wanted.onLine(number);
  }

  /** Reads on through the file until there is something, around its end back to where it began. */
  async #findBeyond({ text, pattern }: Query, direction: 1 | -1, signal: AbortSignal): Promise<boolean> {
    const { pieces, first, next, doc } = this.#text;
    const overlap = overlapOf(text);
    const start = direction > 0 ? next : first - 1;
    let beside = direction > 0 ? doc.sliceString(doc.length - overlap) : doc.sliceString(0, overlap);
    const others = Array.from(
      { length: pieces - (next - first) },
      (_, step) => (start + direction * step + pieces * 2) % pieces,
    );
    const reading = readAhead(others, (index, until) => this.#text.read(index, until), {
      concurrency: MAX_AHEAD,
      signal,
    });
    let doneBytes = 0;
    this.#tell({ seeking: { what: 'text', doneBytes } });
    for await (const [index, piece] of reading) {
      // Around the end there is nothing beside it.
      if (index === (direction > 0 ? 0 : pieces - 1)) beside = '';
      const found =
        direction > 0 ? firstMatch(beside + piece.text, pattern) : lastMatch(piece.text + beside, pattern);
      if (found !== null) {
        await this.#text.bring(index, signal);
        const at = this.#text.startOf(index) - (direction > 0 ? beside.length : 0);
        this.#showMatch({ from: Math.max(0, at + found.from), to: at + found.to }, null);
        return true;
      }
      beside = direction > 0 ? piece.text.slice(-overlap) : piece.text.slice(0, overlap);
      doneBytes += PIECE_BYTES;
      this.#tell({ seeking: { what: 'text', doneBytes } });
    }
    return false;
  }

  #showMatch({ from, to }: TextSpan, query: Query | null, more = ''): void {
    this.#view.dispatch({
      selection: { anchor: from, head: to },
      effects: EditorView.scrollIntoView(from, { y: 'center', x: 'nearest', xMargin: 80 }),
    });
    const count =
      query === null || !this.#text.holdsAll ? null : countMatches(this.#text.doc, query.pattern, from);
    const all = count !== null && count.all >= MAX_COUNTED ? `${count.all} or more` : count?.all;
    this.#tell({ found: `${count === null ? 'Found' : `${count.place} of ${all}`}${more}` });
  }

  #changed(news: Partial<Told> = {}): void {
    if (this.#leaving.signal.aborted) return;
    if (!this.#text.isWhole) this.editor.renumber();
    this.#tell({ failure: null, ...news });
  }

  readonly #fail = (thrown: unknown): void => {
    if (!this.#leaving.signal.aborted) this.#tell({ failure: ApiFailure.from(thrown) });
  };

  #tell(news: Partial<Told>): void {
    if (this.#leaving.signal.aborted) return;
    this.#told = { ...this.#told, ...news };
    const text = this.#text;
    const { head } = this.#view.state.selection.main;
    const line = text.doc.lineAt(head);
    this.#wanted.onState({
      ...this.#told,
      isLoading: text.isEmpty,
      sizeBytes: text.sizeBytes,
      isPart: !text.isWhole,
      fromByte: text.first * PIECE_BYTES,
      toByte: Math.min(text.next * PIECE_BYTES, text.sizeBytes),
      lines: text.isEmpty ? null : text.lines,
      isNumbered: text.numberOf(1) !== null,
      cursor: { line: text.numberOf(line.number), column: head - line.from + 1 },
    });
  }
}

/** For keys: what was asked for is done, or being done. */
function done(_act: unknown): true {
  return true;
}
