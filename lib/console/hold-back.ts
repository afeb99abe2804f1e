import 'server-only';
import { WINDOW_BYTES } from './protocol';
import type { Viewer } from './viewer';

/** While nobody looks, output is taken at up to about 5 MB/s: a flood that nobody sees is not to keep the server busy. */
const UNSEEN_BYTES = 256 * 1024;
const UNSEEN_MS = 50;

/** Holds a shell's output back while even its quickest viewer does not keep up. */
export class HoldBack {
  readonly #viewers: ReadonlySet<Viewer>;
  #unseenBytes = 0;
  #wake: () => void = () => {};

  constructor(viewers: ReadonlySet<Viewer>) {
    this.#viewers = viewers;
  }

  /** Resolves when there is room for more after another `bytes` bytes. */
  async after(bytes: number): Promise<void> {
    if (this.#viewers.size === 0) {
      await this.#unseen(bytes);
      return;
    }
    for (;;) {
      // One that has stopped drawing is no longer waited for.
      const patient = [...this.#viewers].filter((viewer) => viewer.patienceMs > 0);
      const isBehind = patient.every((viewer) => viewer.lag > WINDOW_BYTES);
      if (patient.length === 0 || !isBehind) return;
      await this.#wait(Math.max(...patient.map(({ patienceMs }) => patienceMs)));
    }
  }

  /** Somebody has drawn something, has come or has left. */
  wake(): void {
    this.#wake();
  }

  async #unseen(bytes: number): Promise<void> {
    this.#unseenBytes += bytes;
    if (this.#unseenBytes < UNSEEN_BYTES) return;
    this.#unseenBytes = 0;
    await this.#wait(UNSEEN_MS);
  }

  #wait(longestMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, longestMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
