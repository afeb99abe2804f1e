import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalSize } from './schema';

/** The time between the two size changes that make a program redraw, ms. */
const REDRAW_MS = 80;

/** The window size of a shell. Sends changes to the sandbox, one request at a time. */
export class ShellWindow {
  readonly #send: (size: TerminalSize) => Promise<void>;
  #size: TerminalSize;
  #isSending = false;
  /** The size to send after the current request. */
  #next: TerminalSize | null = null;

  constructor(size: TerminalSize, send: (size: TerminalSize) => Promise<void>) {
    this.#send = send;
    this.#size = size;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  /** Returns whether the size has changed. */
  resize(size: TerminalSize): boolean {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return false;
    this.#size = size;
    void this.#sendLatest(size);
    return true;
  }

  /** Makes a full-screen program redraw by changing the size and changing it back. */
  async redraw(): Promise<void> {
    const { cols, rows } = this.#size;
    await this.#sendLatest({ cols, rows: Math.max(1, rows - 1) });
    await sleep(REDRAW_MS, undefined, { ref: false });
    await this.#sendLatest(this.#size);
  }

  /** Skips sizes that are replaced while a request is under way. */
  async #sendLatest(size: TerminalSize): Promise<void> {
    this.#next = size;
    if (this.#isSending) return;
    this.#isSending = true;
    for (let sent = this.#takeNext(); sent !== null; sent = this.#takeNext())
      // The session redraws the window when the shell can be reached again.
      await this.#send(sent).catch(() => {});
    this.#isSending = false;
  }

  #takeNext(): TerminalSize | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }
}
