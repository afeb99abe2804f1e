/** DEC private modes that affect later output, or what keys and the mouse send. */
const KEPT: ReadonlySet<number> = new Set([
  1, 6, 7, 25, 47, 1047, 1049, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 2004,
]);
/** The modes that switch to the alternate screen. */
const ALTERNATE_SCREEN: readonly number[] = [47, 1047, 1049];
/** The modes that are on by default: line wrapping, and the cursor. */
const ON_BY_DEFAULT: ReadonlySet<number> = new Set([7, 25]);

const ESC = '\x1b';
/** A mode change, a full reset or a soft reset. */
const SEQUENCE = new RegExp(`${ESC}\\[\\?([\\d;]{1,40})([hl])|${ESC}c|${ESC}\\[!p`, 'g');
const INCOMPLETE = new RegExp(`^${ESC}(\\[(\\?[\\d;]*|!)?)?$`);
/** The longest incomplete sequence to keep. */
const MAX_INCOMPLETE_CHARS = 48;

/** Tracks the modes that a stream of terminal output sets, for screens that have not seen its beginning. */
export class ModeTracker {
  readonly #modes = new Map<number, boolean>();
  #rest = '';

  feed(bytes: Uint8Array): void {
    if (this.#rest === '' && bytes.indexOf(ESC.charCodeAt(0)) < 0) return;
    const text = this.#rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    for (const [sequence, numbers, letter] of text.matchAll(SEQUENCE)) {
      if (numbers === undefined || letter === undefined) this.#reset(sequence);
      else for (const number of numbers.split(';')) this.#set(Number(number), letter === 'h');
    }
    const last = text.lastIndexOf(ESC);
    const tail = last < 0 ? '' : text.slice(last);
    this.#rest = tail.length < MAX_INCOMPLETE_CHARS && INCOMPLETE.test(tail) ? tail : '';
  }

  /** Whether a full-screen program is shown. */
  get isAlternateScreen(): boolean {
    return ALTERNATE_SCREEN.some((mode) => this.#modes.get(mode) === true);
  }

  /** The output that sets these modes on a screen in any state. */
  preamble(): string {
    // CAN aborts an incomplete sequence. Then a soft reset, and a reset of colours.
    const parts = ['\x18\x1b[!p\x1b[0m'];
    if (!this.isAlternateScreen) parts.push('\x1b[?1049l');
    for (const [mode, isOn] of this.#modes)
      if (isOn !== ON_BY_DEFAULT.has(mode)) parts.push(`\x1b[?${mode}${isOn ? 'h' : 'l'}`);
    return parts.join('');
  }

  #set(mode: number, isOn: boolean): void {
    if (KEPT.has(mode)) this.#modes.set(mode, isOn);
  }

  /** A soft reset does not leave the alternate screen. */
  #reset(sequence: string): void {
    for (const mode of this.#modes.keys())
      if (sequence === '\x1bc' || !ALTERNATE_SCREEN.includes(mode)) this.#modes.delete(mode);
  }
}
