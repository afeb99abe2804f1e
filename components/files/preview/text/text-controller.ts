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

/** The distance to the end of the loaded part at which more is fetched, in viewport heights. */
const NEAR_VIEWPORTS = 3;
const TOP_MARGIN_PX = 60;
const BOTTOM_PX = 2;
const LONG_LINE_CHARS = 5_000;
const MAX_AHEAD = 3;

export type TextState = {
  isLoading: boolean;
  sizeBytes: number;
  /** Whether only a part is loaded at a time. */
  isPart: boolean;
  /** The loaded range; `toByte` is exclusive. */
  fromByte: number;
  toByte: number;
  /** `null`: unknown. */
  lines: number | null;
  /** Whether line numbers are known for the loaded part. */
  isNumbered: boolean;
  cursor: { line: number | null; column: number };
  seeking: { what: 'line' | 'text'; doneBytes: number } | null;
  found: string | null;
  /** A newer version is held back. */
  hasNews: boolean;
  /** The file was cut while it was shown. */
  wasCut: boolean;
  failure: ApiFailure | null;
};

type StoredState = Pick<TextState, 'seeking' | 'found' | 'hasNews' | 'wasCut' | 'failure'>;

type ControllerOptions = TextSource & {
  parent: HTMLElement;
  label: string;
  wraps: boolean;
  line: number | null;
  onState: (state: TextState) => void;
  onLine: (line: number) => void;
  onFind: () => void;
  onGoTo: () => void;
};

/** Loads a text of any size into an editor, with navigation, search and live changes. */
export class TextController {
  readonly editor: TextEditor;
  readonly #text: LoadedText;
  readonly #changes: TextChanges;
  readonly #leaving = new AbortController();
  readonly #options: ControllerOptions;
  #jump: AbortController | null = null;
  #query: Query | null = null;
  #scrollTop = 0;
  #isAtBottom = false;
  /** A bar below that grows must not cover the last line. */
  readonly #sizes = new ResizeObserver(() => {
    const { scrollDOM } = this.#view;
    if (this.#isAtBottom) scrollDOM.scrollTop = scrollDOM.scrollHeight;
  });
  /** The state that does not derive from the text. */
  #state: StoredState = {
    seeking: null,
    found: null,
    hasNews: false,
    wasCut: false,
    failure: null,
  };

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { signal } = this.#leaving;
    this.#text = new LoadedText(options, signal, () => this.#changed());
    this.#changes = new TextChanges(this.#text, signal, {
      onNews: (hasNews) => this.#changed({ hasNews }),
      onCut: () => this.#changed({ wasCut: true }),
      onRead: (failure) => (failure === null ? this.#changed() : this.#fail(failure)),
    });
    this.editor = new TextEditor({
      parent: options.parent,
      label: options.label,
      wraps: options.wraps,
      numberOf: (line) => this.#text.numberOf(line)?.toString() ?? '·',
      onNumber: (line) => this.#point(line),
      onCursor: () => this.#update({}),
      keys: [
        { key: 'Mod-f', run: () => done(options.onFind()) },
        { key: 'Mod-g', run: () => done(options.onGoTo()) },
        { key: 'Mod-End', run: () => done(this.toEnd()) },
        { key: 'Mod-Home', run: () => done(this.toStart()) },
      ],
    });
    this.#text.showIn(this.editor.view);
    this.#view.scrollDOM.addEventListener('scroll', this.#onScroll, { passive: true });
    this.#sizes.observe(this.#view.scrollDOM);
    void this.#open(options.line);
  }

  destroy(): void {
    this.#leaving.abort();
    this.#jump?.abort();
    this.#view.scrollDOM.removeEventListener('scroll', this.#onScroll);
    this.#sizes.disconnect();
    this.#view.destroy();
  }

  set isLive(isLive: boolean) {
    if (isLive === this.#text.isLive) return;
    this.#text.isLive = isLive;
    if (isLive && this.#state.failure !== null) this.retry();
  }

  retry(): void {
    this.#update({ failure: null });
    if (this.#text.isEmpty) void this.#open(this.#options.line);
    else void this.#changes.refresh(this.#text.sizeBytes).then(() => this.#text.fill().catch(this.#fail));
  }

  refresh(sizeBytes: number): void {
    void this.#changes.refresh(sizeBytes);
  }

  showNews(): void {
    this.#changes.show();
  }

  dismissCut(): void {
    this.#update({ wasCut: false });
  }

  toStart(): Promise<void> {
    return this.#go(0, () => this.#view.dispatch({ selection: { anchor: 0 }, scrollIntoView: true }));
  }

  toEnd(): Promise<void> {
    return this.#go(this.#text.pieces - 1, () =>
      this.#view.dispatch({ selection: { anchor: this.#text.doc.length }, scrollIntoView: true }),
    );
  }

  /** Shows the text near a byte offset. */
  toByte(offset: number): Promise<void> {
    const piece = Math.min(Math.floor(offset / PIECE_BYTES), this.#text.pieces - 1);
    return this.#go(piece, () => {
      const share = Math.min(offset / PIECE_BYTES - piece, 1);
      const at = this.#text.startOf(piece) + Math.floor(share * this.#text.lengthOf(piece));
      const line = this.#text.doc.lineAt(Math.min(at, this.#text.doc.length));
      // The start of a very long line can be far away.
      this.#putOnTop(line.length > LONG_LINE_CHARS ? Math.min(at, line.to) : line.from);
    });
  }

  /** Goes to a line and reads as far as necessary to locate it. */
  toLine(line: number): Promise<void> {
    return this.#jumping(async (signal) => {
      const { index } = this.#text;
      while (index.find(line) === null && index.frontier < this.#text.pieces) {
        this.#update({ seeking: { what: 'line', doneBytes: index.frontier * PIECE_BYTES } });
        await this.#text.read(index.frontier, signal);
      }
      // Beyond the end: the last line.
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

  stop(): void {
    this.#jump?.abort();
    this.#jump = null;
    this.#update({ seeking: null, found: 'Stopped' });
  }

  /** Sets and highlights the query. An empty text clears it. */
  setQuery(text: string, options: { matchesCase: boolean }): void {
    this.#query = text === '' ? null : { text, pattern: textPattern(text, options) };
    this.editor.highlight(this.#query?.pattern ?? null);
    this.#update({ found: null });
  }

  /** Goes to the next match in this direction and wraps around. */
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
      if (around !== null) this.#showMatch(around, query, ' (wrapped)');
      else this.#update({ found: 'Not found' });
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
        this.#extendNearEnds();
      })
      .catch(this.#fail);
  }

  readonly #onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.#view.scrollDOM;
    this.#isAtBottom = scrollTop > 0 && scrollHeight - scrollTop - clientHeight < BOTTOM_PX;
    // Horizontal scrolling loads nothing.
    if (scrollTop === this.#scrollTop) return;
    this.#scrollTop = scrollTop;
    this.#extendNearEnds();
  };

  /** Loads more near the ends of the loaded part. */
  #extendNearEnds(): void {
    const text = this.#text;
    if (text.isWhole || text.isExtending || this.#jump !== null || !text.isLive) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#view.scrollDOM;
    const nearPx = NEAR_VIEWPORTS * clientHeight;
    // Pieces of a hole are empty: loading them one by one would only unload the text around it.
    const isInText = (piece: number) => text.lengthOf(piece) > 0;
    if (scrollHeight - scrollTop - clientHeight < nearPx && text.next < text.pieces)
      isInText(text.next - 1) && text.extend('after').catch(this.#fail);
    else if (scrollTop < nearPx && text.first > 0 && isInText(text.first))
      text.extend('before').catch(this.#fail);
  }

  /** Runs a navigation and aborts the previous one. */
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
        this.#update({ seeking: null });
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
    const effects = EditorView.scrollIntoView(position, { y: 'start', yMargin: TOP_MARGIN_PX });
    this.#view.dispatch({ effects });
  }

  #point(line: number): void {
    const number = this.#text.numberOf(line);
    if (number === null) return;
    this.#view.dispatch({ selection: { anchor: this.#text.doc.line(line).from } });
    this.#options.onLine(number);
  }

  /** Searches the unloaded pieces in this direction, with wrapping. */
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
    this.#update({ seeking: { what: 'text', doneBytes } });
    for await (const [index, piece] of reading) {
      // No neighbour across the ends of the file.
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
      this.#update({ seeking: { what: 'text', doneBytes } });
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
    this.#update({ found: `${count === null ? 'Found' : `${count.place} of ${all}`}${more}` });
  }

  #changed(news: Partial<StoredState> = {}): void {
    if (this.#leaving.signal.aborted) return;
    if (!this.#text.isWhole) this.editor.renumber();
    this.#update({ failure: null, ...news });
  }

  readonly #fail = (thrown: unknown): void => {
    if (!this.#leaving.signal.aborted) this.#update({ failure: ApiFailure.from(thrown) });
  };

  #update(news: Partial<StoredState>): void {
    if (this.#leaving.signal.aborted) return;
    this.#state = { ...this.#state, ...news };
    const text = this.#text;
    const { head } = this.#view.state.selection.main;
    const line = text.doc.lineAt(head);
    this.#options.onState({
      ...this.#state,
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

function done(_result: unknown): true {
  return true;
}
