import type { Stats } from 'node:fs';

type FileId = Pick<Stats, 'dev' | 'ino'>;
type Write = { readonly done: Promise<void>; release(): void };

/** Time after an upload within which the last events of its file reach every watch. */
const SETTLE_MS = 30;

/** Files that uploads are writing. A watch reports one change for each upload, however many writes it takes. */
export class OpenWrites {
  readonly #writes = new Map<string, Write>();
  readonly #ending = new Set<Promise<void>>();

  /** Returns a function to call when the file is closed. */
  begin(file: FileId): () => void {
    const key = `${file.dev}:${file.ino}`;
    let release = () => {};
    const done = new Promise<void>((resolve) => {
      release = resolve;
    });
    const write = { done, release };
    this.#writes.set(key, write);
    return () => {
      this.#ending.add(done);
      setTimeout(() => {
        if (this.#writes.get(key) === write) this.#writes.delete(key);
        this.#ending.delete(done);
        release();
      }, SETTLE_MS);
    };
  }

  /** Resolves when the events of every file that is closed by now have arrived. Does not wait for uploads in progress. */
  async whenArrived(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** Resolves when the file is closed and its events have arrived; null if no upload is writing it. */
  whenSettled({ dev, ino }: FileId): Promise<void> | null {
    return this.#writes.get(`${dev}:${ino}`)?.done ?? null;
  }
}
