import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TerminalSize } from './schema';

/** Between the two changes that make a program notice, ms. */
const NUDGE_MS = 80;

/** The window of a shell: its size there follows the size wanted here, one request at a time. */
export class ShellWindow {
  readonly #send: (size: TerminalSize) => Promise<void>;
  #size: TerminalSize;
  /** The one on its way, and what is wanted after it. */
  #isSending = false;
  #next: TerminalSize | null = null;

  constructor(size: TerminalSize, send: (size: TerminalSize) => Promise<void>) {
    this.#send = send;
    this.#size = size;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  /** Whether that is another size than before. */
  resize(size: TerminalSize): boolean {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return false;
    this.#size = size;
    void this.#bring(size);
    return true;
  }

  /** Lets a full-screen program draw anew: it does when its window changes, and only if it notices. */
  async nudge(): Promise<void> {
    const { cols, rows } = this.#size;
    await this.#bring({ cols, rows: Math.max(1, rows - 1) });
    await sleep(NUDGE_MS, undefined, { ref: false });
    await this.#bring(this.#size);
  }

  /** Of those that are wanted while one is on its way only the last is sent. */
  async #bring(size: TerminalSize): Promise<void> {
    this.#next = size;
    if (this.#isSending) return;
    this.#isSending = true;
    for (let sent = this.#takeNext(); sent !== null; sent = this.#takeNext())
      // A shell that is not reached now is told when it is again.
      await this.#send(sent).catch(() => {});
    this.#isSending = false;
  }

  #takeNext(): TerminalSize | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }
}
