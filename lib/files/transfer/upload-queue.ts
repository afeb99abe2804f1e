import { ApiFailure } from '../../api-client';
import { childOf } from '../guest-path';
import type { Entry, UploadConflict } from '../schema';

/** The files that this tab sends into sandboxes. They go on while somebody looks at other pages. */

export const CONFLICT_ANSWERS = ['replace', 'skip', 'keep'] as const;
/** What is to happen where there is something of the same name: `keep` both, the new one with a number. */
export type ConflictAnswer = (typeof CONFLICT_ANSWERS)[number];

export type UploadState = 'waiting' | 'sending' | 'asking' | 'done' | 'skipped' | 'cancelled' | 'failed';

export type Upload = {
  readonly id: number;
  /** Which files were chosen together. */
  readonly batch: number;
  readonly sandboxId: string;
  readonly folder: string;
  /** As it will be called; with a number, once both are kept. */
  readonly name: string;
  readonly totalBytes: number;
  readonly sentBytes: number;
  readonly state: UploadState;
  /** What is there already, while that is being asked about. */
  readonly existing: Entry | null;
  /** Why it failed. */
  readonly failure: string | null;
};

const IS_OVER = {
  waiting: false,
  sending: false,
  asking: false,
  done: true,
  skipped: true,
  cancelled: true,
  failed: true,
} satisfies Record<UploadState, boolean>;

/** Whether nothing more happens to it by itself. */
export function isOver({ state }: Pick<Upload, 'state'>): boolean {
  return IS_OVER[state];
}

/** How the queue reaches the server. Both throw `ApiFailure`. */
export type UploadTransport = {
  /** What is at `path`, or `null`. */
  look: (sandboxId: string, path: string, signal: AbortSignal) => Promise<Entry | null>;
  send: (
    to: { sandboxId: string; path: string; conflict: UploadConflict },
    file: Blob,
    onProgress: (sentBytes: number) => void,
    signal: AbortSignal,
  ) => Promise<void>;
};

type Item = {
  upload: Upload;
  file: Blob;
  conflict: UploadConflict;
  isNumbered: boolean;
  abort: AbortController;
};

const AT_ONCE = 2;
const MAX_NUMBERS = 999;

export class UploadQueue {
  readonly #ways: UploadTransport;
  readonly #onDone: (upload: Upload) => void;
  readonly #items = new Map<number, Item>();
  /** What was answered for all of a batch. */
  readonly #answers = new Map<number, ConflictAnswer>();
  readonly #listeners = new Set<() => void>();
  #view: readonly Upload[] = [];
  #nextId = 1;
  #nextBatch = 1;

  constructor(ways: UploadTransport, onDone: (upload: Upload) => void) {
    this.#ways = ways;
    this.#onDone = onDone;
  }

  /** For `useSyncExternalStore`: all uploads, oldest first. */
  readonly view = (): readonly Upload[] => this.#view;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Sends `files` into `folder`, as soon as it is their turn. */
  add(sandboxId: string, folder: string, files: readonly (Blob & { name: string })[]): void {
    const batch = this.#nextBatch++;
    for (const file of files) {
      const upload: Upload = {
        id: this.#nextId++,
        batch,
        sandboxId,
        folder,
        name: file.name,
        totalBytes: file.size,
        sentBytes: 0,
        state: 'waiting',
        existing: null,
        failure: null,
      };
      this.#items.set(upload.id, {
        upload,
        file,
        conflict: 'refuse',
        isNumbered: false,
        abort: new AbortController(),
      });
    }
    this.#publish();
    this.#startNext();
  }

  /** Answers the question about one; `forAll`: about every other of its batch too. */
  answer(id: number, answer: ConflictAnswer, forAll: boolean): void {
    const asked = this.#items.get(id);
    if (asked?.upload.state !== 'asking') return;
    if (forAll) this.#answers.set(asked.upload.batch, answer);
    for (const item of this.#items.values()) {
      const { state, batch, existing } = item.upload;
      const isMeant = item === asked || (forAll && batch === asked.upload.batch);
      if (state === 'asking' && isMeant && isPossible(answer, existing)) this.#follow(item, answer);
    }
    this.#startNext();
  }

  cancel(id: number): void {
    const item = this.#items.get(id);
    if (!item || isOver(item.upload)) return;
    item.abort.abort();
    this.#change(item, { state: 'cancelled', existing: null });
    this.#startNext();
  }

  retry(id: number): void {
    const item = this.#items.get(id);
    if (!item || (item.upload.state !== 'failed' && item.upload.state !== 'cancelled')) return;
    item.abort = new AbortController();
    this.#change(item, { state: 'waiting', sentBytes: 0, failure: null });
    this.#startNext();
  }

  /** Forgets what is over. */
  clear(): void {
    for (const [id, { upload }] of this.#items) if (isOver(upload)) this.#items.delete(id);
    this.#publish();
  }

  #startNext(): void {
    const items = [...this.#items.values()];
    let free = AT_ONCE - items.filter(({ upload }) => upload.state === 'sending').length;
    for (const item of items) {
      if (free <= 0) return;
      if (item.upload.state !== 'waiting') continue;
      free -= 1;
      void this.#send(item);
    }
  }

  async #send(item: Item): Promise<void> {
    const { signal } = item.abort;
    const { sandboxId, folder } = item.upload;
    this.#change(item, { state: 'sending', sentBytes: 0 });
    try {
      if (item.isNumbered) await this.#findFreeName(item, signal);
      const path = childOf(folder, item.upload.name);
      // Asked for before the bytes are sent, which may be many; the server asks again.
      const existing = item.conflict === 'replace' ? null : await this.#ways.look(sandboxId, path, signal);
      if (existing !== null) return this.#meet(item, existing);
      const to = { sandboxId, path, conflict: item.conflict };
      await this.#ways.send(to, item.file, (sentBytes) => this.#change(item, { sentBytes }), signal);
      this.#change(item, { state: 'done', sentBytes: item.upload.totalBytes });
      this.#onDone(item.upload);
    } catch (thrown) {
      if (signal.aborted) return;
      const refusal = ApiFailure.from(thrown);
      if (refusal.code === 'conflict' && refusal.problem === null) this.#meet(item, null);
      else this.#change(item, { state: 'failed', failure: refusal.message });
    } finally {
      this.#startNext();
    }
  }

  /** There is something of this name. */
  #meet(item: Item, existing: Entry | null): void {
    const answer = this.#answers.get(item.upload.batch);
    if (answer === undefined || !isPossible(answer, existing))
      this.#change(item, { state: 'asking', existing, sentBytes: 0 });
    else this.#follow(item, answer);
  }

  #follow(item: Item, answer: ConflictAnswer): void {
    if (answer === 'skip') {
      this.#change(item, { state: 'skipped', existing: null });
      return;
    }
    item.conflict = answer === 'replace' ? 'replace' : 'refuse';
    item.isNumbered = answer === 'keep';
    this.#change(item, { state: 'waiting', existing: null, sentBytes: 0 });
  }

  async #findFreeName(item: Item, signal: AbortSignal): Promise<void> {
    const { sandboxId, folder, name } = item.upload;
    for (let number = 2; number <= MAX_NUMBERS; number += 1) {
      const numbered = withNumber(name, number);
      if ((await this.#ways.look(sandboxId, childOf(folder, numbered), signal)) !== null) continue;
      item.isNumbered = false;
      this.#change(item, { name: numbered });
      return;
    }
    throw new ApiFailure('conflict', 'There are too many files of this name.', 'denied');
  }

  #change(item: Item, changes: Partial<Upload>): void {
    // What was cancelled stays so, whatever still comes of it.
    if (item.upload.state === 'cancelled' && changes.state !== 'waiting') return;
    item.upload = { ...item.upload, ...changes };
    this.#publish();
  }

  #publish(): void {
    this.#view = [...this.#items.values()].map(({ upload }) => upload);
    for (const listener of this.#listeners) listener();
  }
}

/** No file replaces a folder. */
export function isPossible(answer: ConflictAnswer, existing: Pick<Entry, 'kind'> | null): boolean {
  return answer !== 'replace' || existing?.kind !== 'directory';
}

const EXTENSION = /(?:\.tar)?\.[^.\s]{1,11}$/;

/** `report (2).html`. */
function withNumber(name: string, number: number): string {
  const extension = name.startsWith('.') && !name.includes('.', 1) ? '' : (EXTENSION.exec(name)?.[0] ?? '');
  return `${name.slice(0, name.length - extension.length)} (${number})${extension}`;
}
