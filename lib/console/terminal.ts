import type { SearchAddon } from '@xterm/addon-search';
import type { ITerminalOptions, Terminal } from '@xterm/xterm';
import { guardParser, isFocusReport, plainPaste, plainTitle, saysWhere, webAddress } from './hostile';
import type { Screen } from './link';
import type { TerminalSize } from './schema';
import { onThemeChange, readMatchColours, readTerminalTheme } from './terminal-theme';

/** What a terminal asks of the page around it. */
export type TerminalHost = {
  onInput: (bytes: Uint8Array) => void;
  onResize: (size: TerminalSize) => void;
  onTitle: (title: string) => void;
  /** Several lines are to be pasted. `runs`: the shell would run each of them at once. */
  onPaste: (text: string, runs: boolean) => void;
  /** A link was clicked that does not say where it leads. */
  onLink: (address: string, text: string) => void;
  onFind: () => void;
  onFound: (results: { at: number; count: number }) => void;
  /** Somebody wants to leave the terminal by keys. */
  onLeave: () => void;
  onZoom: (step: 1 | -1 | 0) => void;
  sayBytes: (bytes: number) => string;
};

export type FindOptions = { caseSensitive: boolean; regex: boolean };

const SCROLLBACK_LINES = 10_000;
export const FONT_SIZES = [11, 12, 13, 14, 15, 16, 18, 20, 24] as const;
export const USUAL_FONT_SIZE = 13;
/** A window that is being dragged settles first, ms. */
const RESIZE_AFTER_MS = 80;
const MAX_MATCHES = 5_000;

/** Fetches what a terminal is made of; about 400 KB that no other page needs. */
async function loadParts() {
  const [xterm, fit, search, unicode, links] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('@xterm/addon-search'),
    import('@xterm/addon-unicode11'),
    import('@xterm/addon-web-links'),
    // Letters are measured once, when the terminal opens.
    document.fonts.load(`${USUAL_FONT_SIZE}px "Geist Mono Variable"`).catch(() => []),
  ]);
  return {
    Terminal: xterm.Terminal,
    FitAddon: fit.FitAddon,
    SearchAddon: search.SearchAddon,
    Unicode11Addon: unicode.Unicode11Addon,
    WebLinksAddon: links.WebLinksAddon,
  };
}

/** A terminal on the page. In the browser only. */
export class PageTerminal implements Screen {
  readonly #element: HTMLElement;
  readonly #host: TerminalHost;
  readonly #terminal: Terminal;
  readonly #search: SearchAddon;
  readonly #propose: () => TerminalSize | undefined;
  readonly #stops: (() => void)[] = [];
  #isReplaying = false;
  #isReadOnly = true;
  /** `null`: as large as there is room; else as large as whoever drives has it. */
  #fixedSize: TerminalSize | null = null;
  #fitTimer: ReturnType<typeof setTimeout> | null = null;

  private constructor(
    parts: Awaited<ReturnType<typeof loadParts>>,
    element: HTMLElement,
    host: TerminalHost,
    fontSize: number,
  ) {
    this.#element = element;
    this.#host = host;
    const terminal = new parts.Terminal({ ...OPTIONS, fontSize, theme: readTerminalTheme() });
    this.#terminal = terminal;
    const fit = new parts.FitAddon();
    this.#search = new parts.SearchAddon({ highlightLimit: MAX_MATCHES });
    terminal.loadAddon(fit);
    terminal.loadAddon(this.#search);
    terminal.loadAddon(new parts.Unicode11Addon());
    terminal.loadAddon(new parts.WebLinksAddon((_, uri) => this.#follow(uri, uri)));
    terminal.unicode.activeVersion = '11';
    terminal.options.linkHandler = {
      activate: (_, uri, range) => this.#follow(uri, this.#textAt(range)),
      allowNonHttpProtocols: false,
    };
    guardParser(terminal.parser, () => this.#isSilent);
    this.#propose = () => fit.proposeDimensions();
    this.#listen();
    terminal.open(element);
    this.#fit();
  }

  /** Opens a terminal in `element`, which must be in sight. */
  static async open(element: HTMLElement, host: TerminalHost, fontSize: number): Promise<PageTerminal> {
    const terminal = new PageTerminal(await loadParts(), element, host, fontSize);
    void terminal.#drawByGraphics();
    return terminal;
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.#terminal.write(bytes, drawn);
  }

  skip(missingBytes: number, preamble: string, drawn: () => void): void {
    const note = `\r\n\x1b[7m ${this.#host.sayBytes(missingBytes)} of output are missing here \x1b[0m\r\n`;
    this.#terminal.write(`${preamble}${missingBytes > 0 ? note : ''}`, drawn);
  }

  setReplaying(isReplaying: boolean): void {
    this.#isReplaying = isReplaying;
  }

  size(): TerminalSize | null {
    if (this.#fixedSize !== null) return null;
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** Of who watches: as large as the one who drives has it. `null`: as large as there is room. */
  fix(size: TerminalSize | null): void {
    this.#fixedSize = size;
    if (size === null) this.#fit();
    else this.#terminal.resize(size.cols, size.rows);
  }

  /** Nothing is typed while that leads nowhere; the text can still be marked and copied. */
  setReadOnly(isReadOnly: boolean): void {
    this.#isReadOnly = isReadOnly;
    this.#terminal.options.cursorBlink = !isReadOnly && !prefersStillness();
    this.#terminal.options.cursorInactiveStyle = isReadOnly ? 'none' : 'outline';
  }

  setFontSize(fontSize: number): void {
    this.#terminal.options.fontSize = fontSize;
    this.#fitSoon();
  }

  setForScreenReaders(isOn: boolean): void {
    this.#terminal.options.screenReaderMode = isOn;
  }

  focus(): void {
    this.#terminal.focus();
  }

  clear(): void {
    this.#terminal.clear();
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Pastes as it stands; between brackets, where the program in it asked for them. */
  paste(text: string): void {
    this.#terminal.paste(text);
    this.#terminal.focus();
  }

  /** Whether anything was found. */
  find(text: string, options: FindOptions, direction: 'next' | 'previous', incremental = false): boolean {
    const { match, active } = readMatchColours();
    const decorations = {
      matchBackground: match,
      matchOverviewRuler: match,
      activeMatchBackground: active,
      activeMatchColorOverviewRuler: active,
    };
    const all = { ...options, decorations };
    return direction === 'next'
      ? this.#search.findNext(text, { ...all, incremental })
      : this.#search.findPrevious(text, all);
  }

  endFind(): void {
    this.#search.clearDecorations();
    this.#terminal.clearSelection();
  }

  /** All that can be scrolled to, as text: lines that were wrapped are one again. */
  text(): string {
    const { normal } = this.#terminal.buffer;
    const lines: string[] = [];
    for (let at = 0; at < normal.length; at += 1) {
      const line = normal.getLine(at);
      if (line === undefined) continue;
      const isWrapped = normal.getLine(at + 1)?.isWrapped ?? false;
      const text = line.translateToString(!isWrapped);
      if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
      else lines.push(text);
    }
    return `${lines.join('\n').trimEnd()}\n`;
  }

  dispose(): void {
    if (this.#fitTimer) clearTimeout(this.#fitTimer);
    for (const stop of this.#stops) stop();
    this.#terminal.dispose();
  }

  /** What it is asked is for whoever types to answer, and now: an answer that nobody gave is not to be typed, or refused. */
  get #isSilent(): boolean {
    return this.#isReplaying || this.#isReadOnly;
  }

  #listen(): void {
    const host = this.#host;
    const terminal = this.#terminal;
    const encoder = new TextEncoder();
    terminal.onData((text) => {
      if (!this.#isSilent || !isFocusReport(text)) host.onInput(encoder.encode(text));
    });
    terminal.onBinary((text) => host.onInput(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    terminal.onTitleChange((title) => host.onTitle(plainTitle(title)));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      host.onFound({ at: resultIndex, count: resultCount }),
    );
    terminal.attachCustomKeyEventHandler((event) => this.#isForTerminal(event));
    const onPaste = (event: ClipboardEvent) => this.#onPaste(event);
    // Before the terminal's own, which would paste at once.
    this.#element.addEventListener('paste', onPaste, { capture: true });
    const observer = new ResizeObserver(() => this.#fitSoon());
    observer.observe(this.#element);
    this.#stops.push(
      () => this.#element.removeEventListener('paste', onPaste, { capture: true }),
      () => observer.disconnect(),
      onThemeChange(() => {
        terminal.options.theme = readTerminalTheme();
      }),
    );
  }

  #fitSoon(): void {
    if (this.#fitTimer) clearTimeout(this.#fitTimer);
    this.#fitTimer = setTimeout(() => this.#fit(), RESIZE_AFTER_MS);
  }

  #fit(): void {
    if (this.#fixedSize !== null) return;
    const size = this.#propose();
    if (size === undefined || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return;
    const { cols, rows } = this.#terminal;
    if (size.cols !== cols || size.rows !== rows) this.#terminal.resize(size.cols, size.rows);
    this.#host.onResize(size);
  }

  /** False for keys that are the page's or the browser's. */
  #isForTerminal(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    const act = actOfKey(event);
    if (act === 'terminal') return true;
    if (act === 'browser') return false;
    const acts: Record<Exclude<KeyAct, 'terminal' | 'browser'>, () => void> = {
      copy: () => void navigator.clipboard.writeText(this.selection).catch(() => {}),
      find: () => this.#host.onFind(),
      leave: () => this.#host.onLeave(),
      larger: () => this.#host.onZoom(1),
      smaller: () => this.#host.onZoom(-1),
      usual: () => this.#host.onZoom(0),
    };
    event.preventDefault();
    acts[act]();
    return false;
  }

  #onPaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const text = plainPaste(event.clipboardData?.getData('text/plain') ?? '');
    // A line that ends in a newline would run as soon as it is pasted: whether it does is for Enter to say.
    const single = text.replace(/\n+$/, '');
    if (single.includes('\n')) this.#host.onPaste(text, !this.#terminal.modes.bracketedPasteMode);
    else if (single !== '') this.paste(single);
  }

  #follow(uri: string, text: string): void {
    const address = webAddress(uri);
    if (address === null) return;
    if (saysWhere(text, address)) window.open(address, '_blank', 'noopener,noreferrer');
    else this.#host.onLink(address, text);
  }

  #textAt({ start, end }: { start: { x: number; y: number }; end: { x: number; y: number } }): string {
    const line = this.#terminal.buffer.active.getLine(start.y - 1);
    const until = end.y === start.y ? end.x : this.#terminal.cols;
    return line?.translateToString(true, start.x - 1, until) ?? '';
  }

  /** Drawing by the graphics card is quicker where there is one, and slower where it is only imitated. */
  async #drawByGraphics(): Promise<void> {
    if (!hasGraphics()) return;
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose());
      this.#terminal.loadAddon(addon);
    } catch {
      // It goes on as elements of the page.
    }
  }
}

const OPTIONS: ITerminalOptions = {
  allowProposedApi: true,
  cursorBlink: true,
  cursorStyle: 'block',
  drawBoldTextInBrightColors: false,
  fontFamily: '"Geist Mono Variable", ui-monospace, monospace',
  fontWeightBold: 600,
  lineHeight: 1.25,
  logLevel: 'off',
  macOptionIsMeta: true,
  minimumContrastRatio: 4.5,
  // As wide as the scroll bar, which marks what was found.
  overviewRuler: { width: 10 },
  rightClickSelectsWord: false,
  scrollback: SCROLLBACK_LINES,
  // Output moves no windows and reads no titles: each of these is off unless it is switched on.
  windowOptions: {},
};

type KeyAct = 'terminal' | 'browser' | 'copy' | 'find' | 'leave' | 'larger' | 'smaller' | 'usual';

/** Whose a key is. What the shell knows by Ctrl is its own; the rest hangs on Shift, or on ⌘. */
export function actOfKey({
  key,
  code,
  ctrlKey,
  metaKey,
  shiftKey,
  altKey,
}: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>): KeyAct {
  if (altKey) return 'terminal';
  if (key === 'F6' && ctrlKey) return 'leave';
  if (key === 'F11' || key === 'F12') return 'browser';
  if (key === 'Insert' && (ctrlKey || shiftKey)) return ctrlKey ? 'copy' : 'browser';
  const isShifted = ctrlKey && shiftKey;
  if (!isShifted && !metaKey && !ctrlKey) return 'terminal';
  if (code === 'KeyF' && (isShifted || metaKey)) return 'find';
  if (code === 'KeyC' && isShifted) return 'copy';
  if ((isShifted || metaKey) && /^Key[A-Z]$/.test(code)) return 'browser';
  if (!ctrlKey && !metaKey) return 'terminal';
  if (key === '+' || key === '=') return 'larger';
  if (key === '-' && !shiftKey) return 'smaller';
  if (key === '0') return 'usual';
  return metaKey ? 'browser' : 'terminal';
}

function prefersStillness(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function hasGraphics(): boolean {
  try {
    const context = document.createElement('canvas').getContext('webgl2');
    const info = context?.getExtension('WEBGL_debug_renderer_info');
    const renderer = String((info && context?.getParameter(info.UNMASKED_RENDERER_WEBGL)) ?? '');
    context?.getExtension('WEBGL_lose_context')?.loseContext();
    return renderer !== '' && !/swiftshader|llvmpipe|software|basic render/i.test(renderer);
  } catch {
    return false;
  }
}
