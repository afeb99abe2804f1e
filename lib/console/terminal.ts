import type { SearchAddon } from '@xterm/addon-search';
import type { ITerminalOptions, Terminal } from '@xterm/xterm';
import { isComposing } from '../key-events';
import { guardParser, isFocusReport, plainPaste, plainTitle, showsAddress, webAddress } from './hostile';
import type { Screen } from './link';
import type { TerminalSize } from './schema';
import { inputOfKey, type TouchKey, withCtrl } from './terminal-keys';
import { onThemeChange, readMatchColours, readTerminalTheme } from './terminal-theme';

/** The page around a terminal. */
export type TerminalHost = {
  onInput: (bytes: Uint8Array) => void;
  onResize: (size: TerminalSize) => void;
  onTitle: (title: string) => void;
  /** Several lines are about to be pasted. `runs`: the shell would run each line at once. */
  onPaste: (text: string, runs: boolean) => void;
  /** A link was clicked whose text does not show its address. */
  onLink: (address: string, text: string) => void;
  onFind: () => void;
  onFound: (results: { at: number; count: number }) => void;
  /** The keyboard shortcut for leaving the terminal was pressed. */
  onLeave: () => void;
  onZoom: (step: 1 | -1 | 0) => void;
  /** Ctrl for the next key was switched on or off. */
  onCtrl: (isOn: boolean) => void;
  formatBytes: (bytes: number) => string;
};

export type FindOptions = { caseSensitive: boolean; regex: boolean };

const SCROLLBACK_LINES = 10_000;
export const FONT_SIZES = [11, 12, 13, 14, 15, 16, 18, 20, 24] as const;
export const DEFAULT_FONT_SIZE = 13;
/** Waits for the end of a window resize, ms. */
const RESIZE_AFTER_MS = 80;
const MAX_MATCHES = 5_000;

/** Loads the terminal's code: about 400 KB that no other page needs. */
async function loadParts() {
  const [xterm, fit, search, unicode, links] = await Promise.all([
    import('@xterm/xterm'),
    import('@xterm/addon-fit'),
    import('@xterm/addon-search'),
    import('@xterm/addon-unicode11'),
    import('@xterm/addon-web-links'),
    // The terminal measures the font once, when it opens.
    document.fonts.load(`${DEFAULT_FONT_SIZE}px "Geist Mono Variable"`).catch(() => []),
  ]);
  return {
    Terminal: xterm.Terminal,
    FitAddon: fit.FitAddon,
    SearchAddon: search.SearchAddon,
    Unicode11Addon: unicode.Unicode11Addon,
    WebLinksAddon: links.WebLinksAddon,
  };
}

/** A terminal on the page. Browser only. */
export class PageTerminal implements Screen {
  readonly #element: HTMLElement;
  readonly #host: TerminalHost;
  readonly #terminal: Terminal;
  readonly #search: SearchAddon;
  readonly #propose: () => TerminalSize | undefined;
  readonly #stops: (() => void)[] = [];
  /** Ctrl applies to the next key. */
  #isCtrl = false;
  #isReplaying = false;
  #isReadOnly = true;
  /** The size of the tab that types; `null` to fill the available space. */
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

  /** Opens a terminal in `element`, which must be visible. */
  static async open(element: HTMLElement, host: TerminalHost, fontSize: number): Promise<PageTerminal> {
    const terminal = new PageTerminal(await loadParts(), element, host, fontSize);
    void terminal.#enableWebgl();
    return terminal;
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.#terminal.write(bytes, drawn);
  }

  skip(missingBytes: number, preamble: string, drawn: () => void): void {
    const note = `\r\n\x1b[7m ${this.#host.formatBytes(missingBytes)} of output missing \x1b[0m\r\n`;
    this.#terminal.write(`${preamble}${missingBytes > 0 ? note : ''}`, drawn);
  }

  setReplaying(isReplaying: boolean): void {
    this.#isReplaying = isReplaying;
  }

  size(): TerminalSize | null {
    if (this.#fixedSize !== null) return null;
    return { cols: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** Fixes the size for a watching tab. `null` fills the available space. */
  fix(size: TerminalSize | null): void {
    this.#fixedSize = size;
    if (size === null) this.#fit();
    else this.#terminal.resize(size.cols, size.rows);
  }

  /** Text can still be selected and copied. */
  setReadOnly(isReadOnly: boolean): void {
    this.#isReadOnly = isReadOnly;
    this.#terminal.options.cursorBlink = !isReadOnly && !prefersReducedMotion();
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
    // In a low window, the terminal may be below the end of it.
    this.#element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    this.#terminal.focus();
  }

  /** The element that receives the keys. */
  get input(): HTMLElement | null {
    return this.#terminal.textarea ?? null;
  }

  /** Presses a key of the page. */
  press(key: TouchKey): void {
    const isCtrl = this.#isCtrl;
    this.setCtrl(false);
    const isApplication = this.#terminal.modes.applicationCursorKeysMode;
    this.#terminal.input(inputOfKey(key, { isCtrl, isApplication }));
  }

  /** Presses the next key with Ctrl. */
  setCtrl(isOn: boolean): void {
    if (this.#isCtrl === isOn) return;
    this.#isCtrl = isOn;
    this.#host.onCtrl(isOn);
  }

  clear(): void {
    this.#terminal.clear();
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Uses bracketed paste if the program has enabled it. */
  paste(text: string): void {
    this.#terminal.paste(text);
    this.#terminal.focus();
  }

  /** Returns whether there is a match. */
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

  /** The scrollback and the screen as text, with wrapped lines joined. */
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

  /** Only the tab that types answers terminal queries, and only those in live output. */
  get #isSilent(): boolean {
    return this.#isReplaying || this.#isReadOnly;
  }

  #listen(): void {
    const host = this.#host;
    const terminal = this.#terminal;
    const encoder = new TextEncoder();
    terminal.onData((text) => {
      if (this.#isSilent && isFocusReport(text)) return;
      const typed = this.#isCtrl && !isFocusReport(text) ? withCtrl(text) : text;
      if (!isFocusReport(text)) this.setCtrl(false);
      host.onInput(encoder.encode(typed));
    });
    terminal.onBinary((text) => host.onInput(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    terminal.onTitleChange((title) => host.onTitle(plainTitle(title)));
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      host.onFound({ at: resultIndex, count: resultCount }),
    );
    terminal.attachCustomKeyEventHandler((event) => this.#isForTerminal(event));
    const onPaste = (event: ClipboardEvent) => this.#onPaste(event);
    // Runs before the terminal's own handler, which pastes without asking.
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

  /** Handles the page's shortcuts. Returns false for keys that the terminal must ignore. */
  #isForTerminal(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || isComposing(event)) return true;
    const action = actionOfKey(event);
    if (action === 'terminal') return true;
    if (action === 'browser') return false;
    const actions: Record<Exclude<KeyAction, 'terminal' | 'browser'>, () => void> = {
      copy: () => void navigator.clipboard.writeText(this.selection).catch(() => {}),
      find: () => this.#host.onFind(),
      leave: () => this.#host.onLeave(),
      zoomIn: () => this.#host.onZoom(1),
      zoomOut: () => this.#host.onZoom(-1),
      zoomReset: () => this.#host.onZoom(0),
    };
    event.preventDefault();
    actions[action]();
    return false;
  }

  #onPaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const text = plainPaste(event.clipboardData?.getData('text/plain') ?? '');
    // A pasted line must not run before the person presses Enter.
    const single = text.replace(/\n+$/, '');
    if (single.includes('\n')) this.#host.onPaste(text, !this.#terminal.modes.bracketedPasteMode);
    else if (single !== '') this.paste(single);
  }

  #follow(uri: string, text: string): void {
    const address = webAddress(uri);
    if (address === null) return;
    if (showsAddress(text, address)) window.open(address, '_blank', 'noopener,noreferrer');
    else this.#host.onLink(address, text);
  }

  #textAt({ start, end }: { start: { x: number; y: number }; end: { x: number; y: number } }): string {
    const line = this.#terminal.buffer.active.getLine(start.y - 1);
    const until = end.y === start.y ? end.x : this.#terminal.cols;
    return line?.translateToString(true, start.x - 1, until) ?? '';
  }

  /** WebGL draws faster on a real graphics card, and slower when it is emulated in software. */
  async #enableWebgl(): Promise<void> {
    if (!hasGraphicsCard()) return;
    try {
      const { WebglAddon } = await import('@xterm/addon-webgl');
      const addon = new WebglAddon();
      addon.onContextLoss(() => addon.dispose());
      this.#terminal.loadAddon(addon);
    } catch {
      // The terminal keeps drawing with DOM elements.
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
  // As wide as the scroll bar, where search results are marked.
  overviewRuler: { width: 10 },
  rightClickSelectsWord: false,
  scrollback: SCROLLBACK_LINES,
  // All options are off by default: output cannot move windows or read titles.
  windowOptions: {},
};

type KeyAction = 'terminal' | 'browser' | 'copy' | 'find' | 'leave' | 'zoomIn' | 'zoomOut' | 'zoomReset';

/** Assigns a key to the terminal, the browser or the page. Ctrl with a letter always belongs to the terminal. */
export function actionOfKey({
  key,
  code,
  ctrlKey,
  metaKey,
  shiftKey,
  altKey,
}: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>): KeyAction {
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
  if (key === '+' || key === '=') return 'zoomIn';
  if (key === '-' && !shiftKey) return 'zoomOut';
  if (key === '0') return 'zoomReset';
  return metaKey ? 'browser' : 'terminal';
}

function prefersReducedMotion(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}

function hasGraphicsCard(): boolean {
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
