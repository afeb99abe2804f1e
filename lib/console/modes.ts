/** DEC private modes that change how what follows looks or what keys and mouse send. */
const KEPT: ReadonlySet<number> = new Set([
  1, 6, 7, 25, 47, 1047, 1049, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004,
]);
/** Those that show another screen than the one with the scrollback. */
const OTHER_SCREENS: readonly number[] = [47, 1047, 1049];
/** On unless switched off: wrapping, and the cursor. */
const ON_FROM_THE_START: ReadonlySet<number> = new Set([7, 25]);

const ESC = '\x1b';
/** A mode that is switched, a full reset, a soft one. */
const SEQUENCE = new RegExp(`${ESC}\\[\\?([\\d;]{1,40})([hl])|${ESC}c|${ESC}\\[!p`, 'g');
const BEGINNING = new RegExp(`^${ESC}(\\[(\\?[\\d;]*|!)?)?$`);
/** A sequence that is cut in two is kept up to this long. */
const LONGEST = 48;

/**
 * Follows the modes that a stream of terminal output switches, so that a screen which has not seen its beginning can be
 * brought into them.
 */
export class ModeTracker {
  readonly #modes = new Map<number, boolean>();
  #rest = '';

  /** Takes what comes next. */
  feed(bytes: Uint8Array): void {
    if (this.#rest === '' && bytes.indexOf(ESC.charCodeAt(0)) < 0) return;
    const text = this.#rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    for (const [sequence, numbers, letter] of text.matchAll(SEQUENCE)) {
      if (numbers === undefined || letter === undefined) this.#reset(sequence);
      else for (const number of numbers.split(';')) this.#set(Number(number), letter === 'h');
    }
    const last = text.lastIndexOf(ESC);
    const tail = last < 0 ? '' : text.slice(last);
    this.#rest = tail.length < LONGEST && BEGINNING.test(tail) ? tail : '';
  }

  /** Whether what is seen is a full-screen program's. */
  get isOtherScreen(): boolean {
    return OTHER_SCREENS.some((mode) => this.#modes.get(mode) === true);
  }

  /** What brings a screen in whatever state into these modes. */
  preamble(): string {
    // CAN ends a sequence that was begun, then a soft reset and no colours.
    const parts = ['\x18\x1b[!p\x1b[0m'];
    if (!this.isOtherScreen) parts.push('\x1b[?1049l');
    for (const [mode, isOn] of this.#modes)
      if (isOn !== ON_FROM_THE_START.has(mode)) parts.push(`\x1b[?${mode}${isOn ? 'h' : 'l'}`);
    return parts.join('');
  }

  #set(mode: number, isOn: boolean): void {
    if (KEPT.has(mode)) this.#modes.set(mode, isOn);
  }

  /** A full reset, or a soft one, which stays on its screen. */
  #reset(sequence: string): void {
    for (const mode of this.#modes.keys())
      if (sequence === '\x1bc' || !OTHER_SCREENS.includes(mode)) this.#modes.delete(mode);
  }
}
