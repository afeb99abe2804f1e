import 'server-only';
import { WINDOW_BYTES } from './protocol';
import type { Viewer } from './viewer';

/** Without viewers, output is read at up to about 5 MB/s, which limits the cost of a flood. */
const UNWATCHED_BYTES = 256 * 1024;
const UNWATCHED_WAIT_MS = 50;

/** Delays reading a shell's output while even its fastest viewer is behind. */
export class Backpressure {
  readonly #viewers: ReadonlySet<Viewer>;
  #unwatchedBytes = 0;
  #notify: () => void = () => {};

  constructor(viewers: ReadonlySet<Viewer>) {
    this.#viewers = viewers;
  }

  /** Call after reading `bytes` bytes. Resolves when more may be read. */
  async wait(bytes: number): Promise<void> {
    if (this.#viewers.size === 0) {
      await this.#waitUnwatched(bytes);
      return;
    }
    for (;;) {
      // Does not wait for viewers that have stopped drawing.
      const active = [...this.#viewers].filter((viewer) => viewer.stallsInMs > 0);
      const isBehind = active.every((viewer) => viewer.lag > WINDOW_BYTES);
      if (active.length === 0 || !isBehind) return;
      await this.#sleep(Math.max(...active.map(({ stallsInMs }) => stallsInMs)));
    }
  }

  /** A viewer has drawn output, joined or left. */
  notify(): void {
    this.#notify();
  }

  async #waitUnwatched(bytes: number): Promise<void> {
    this.#unwatchedBytes += bytes;
    if (this.#unwatchedBytes < UNWATCHED_BYTES) return;
    this.#unwatchedBytes = 0;
    await this.#sleep(UNWATCHED_WAIT_MS);
  }

  #sleep(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, maxMs);
      this.#notify = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
