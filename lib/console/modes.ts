/** The mouse protocols and their encodings. Setting one replaces the others, and switching one off switches off all. */
const MOUSE: readonly number[] = [9, 1000, 1002, 1003];
const MOUSE_ENCODINGS: readonly number[] = [1006, 1016];
/** The modes that switch to the alternate screen. */
const ALTERNATE_SCREEN: readonly number[] = [47, 1047, 1049];
const FOCUS_REPORTS = 1004;
const CURSOR = 25;
const BRACKETED_PASTE = 2004;
const EXCLUSIVE = [MOUSE, MOUSE_ENCODINGS, ALTERNATE_SCREEN] as const;

/** DEC private modes that affect later output, or what keys and the mouse send. */
const KEPT: ReadonlySet<number> = new Set([
  ...EXCLUSIVE.flat(),
  ...[1, 6, 7, CURSOR, 66, FOCUS_REPORTS, BRACKETED_PASTE],
]);
/** The modes that are on by default: line wrapping, and the cursor. */
const ON_BY_DEFAULT: ReadonlySet<number> = new Set([7, CURSOR]);
/** A soft reset of the page's terminal does not change these. */
const BEYOND_SOFT_RESET: ReadonlySet<number> = new Set(EXCLUSIVE.flat());

const ESC = '\x1b';
/** CAN aborts an incomplete sequence. */
const ABORT = '\x18';
const SOFT_RESET = `${ESC}[!p`;
const MOUSE_OFF = `${ESC}[?1000l${ESC}[?1006l`;
/** A mode change, a full reset or a soft reset. */
const SEQUENCE = new RegExp(`${ESC}\\[\\?([\\d;]{1,40})([hl])|${ESC}c|${ESC}\\[!p`, 'g');
const INCOMPLETE = new RegExp(`^${ESC}(\\[(\\?[\\d;]*|!)?)?$`);
/** The longest incomplete sequence to keep. */
const MAX_INCOMPLETE_CHARS = 48;

/** Tracks the modes that a stream of terminal output sets, for screens that have not seen its beginning. */
export class ModeTracker {
  readonly #modes = new Map<number, boolean>();
  #rest = '';

  /** Returns whether bracketed paste was switched on, which bash does at each prompt. */
  feed(bytes: Uint8Array): boolean {
    if (this.#rest === '' && bytes.indexOf(ESC.charCodeAt(0)) < 0) return false;
    const text = this.#rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    let isPrompt = false;
    for (const [sequence, list, letter] of text.matchAll(SEQUENCE)) {
      const numbers = list?.split(';').map(Number) ?? [];
      if (letter === undefined) this.#reset(sequence);
      for (const number of numbers) this.#set(number, letter === 'h');
      isPrompt ||= letter === 'h' && numbers.includes(BRACKETED_PASTE);
    }
    const last = text.lastIndexOf(ESC);
    const tail = last < 0 ? '' : text.slice(last);
    this.#rest = tail.length < MAX_INCOMPLETE_CHARS && INCOMPLETE.test(tail) ? tail : '';
    return isPrompt;
  }

  /** Whether a full-screen program is shown. */
  get isAlternateScreen(): boolean {
    return this.#isAnyOn(ALTERNATE_SCREEN);
  }

  /** Whether modes apply that only a program sets, never a shell at its prompt. */
  get hasProgramModes(): boolean {
    return this.#isAnyOn([...MOUSE, ...ALTERNATE_SCREEN, FOCUS_REPORTS]) || this.#modes.get(CURSOR) === false;
  }

  /** The output that sets these modes on a screen in any state. */
  preamble(): string {
    // A soft reset leaves the mouse modes and the colours.
    const parts = [`${ABORT}${SOFT_RESET}${MOUSE_OFF}${ESC}[0m`];
    if (!this.isAlternateScreen) parts.push(`${ESC}[?1049l`);
    for (const [mode, isOn] of this.#modes)
      if (isOn !== ON_BY_DEFAULT.has(mode)) parts.push(`${ESC}[?${mode}${isOn ? 'h' : 'l'}`);
    return parts.join('');
  }

  /**
   * The output that switches off all modes and shows the normal screen, without clearing it. `keepsPaste`: bracketed paste
   * stays as it is, because the shell itself uses it.
   */
  restoration({ keepsPaste }: { keepsPaste: boolean }): string {
    const alternate = ALTERNATE_SCREEN.filter((mode) => this.#modes.get(mode) === true);
    const isPasteKept = keepsPaste && this.#modes.get(BRACKETED_PASTE) === true;
    return [
      ABORT,
      // Before the reset, which applies to the margins of the screen that is shown.
      ...alternate.map((mode) => `${ESC}[?${mode}l`),
      `${SOFT_RESET}${MOUSE_OFF}${ESC}[?${FOCUS_REPORTS}l${ESC}[?${CURSOR}h${ESC}>`,
      isPasteKept ? `${ESC}[?${BRACKETED_PASTE}h` : `${ESC}[?${BRACKETED_PASTE}l`,
    ].join('');
  }

  #isAnyOn(modes: readonly number[]): boolean {
    return modes.some((mode) => this.#modes.get(mode) === true);
  }

  #set(mode: number, isOn: boolean): void {
    if (!KEPT.has(mode)) return;
    for (const group of EXCLUSIVE)
      if (group.includes(mode)) for (const other of group) this.#modes.delete(other);
    this.#modes.set(mode, isOn);
  }

  #reset(sequence: string): void {
    for (const mode of this.#modes.keys())
      if (sequence === `${ESC}c` || !BEYOND_SOFT_RESET.has(mode)) this.#modes.delete(mode);
  }
}
