import { ApiFailure } from '../../api-client';
import type { SandboxKey } from '../../sandbox-key';
import { childOf } from '../guest-path';
import type { Entry, UploadConflict } from '../schema';

/** The uploads of this tab. They continue across pages. */

export const CONFLICT_ANSWERS = ['replace', 'skip', 'keep'] as const;
/** The choice if the name exists. `keep`: both, the new one with a number. */
export type ConflictAnswer = (typeof CONFLICT_ANSWERS)[number];

export type UploadState = 'waiting' | 'sending' | 'asking' | 'done' | 'skipped' | 'cancelled' | 'failed';

export type Upload = {
  readonly id: number;
  /** Files chosen together share a batch. */
  readonly batch: number;
  readonly sandboxKey: SandboxKey;
  readonly folder: string;
  readonly name: string;
  readonly totalBytes: number;
  readonly sentBytes: number;
  readonly state: UploadState;
  /** The existing entry while the conflict is open. */
  readonly existing: Entry | null;
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

export function isOver({ state }: Pick<Upload, 'state'>): boolean {
  return IS_OVER[state];
}

/** Both throw `ApiFailure`. */
export type UploadTransport = {
  stat: (sandboxKey: SandboxKey, path: string, signal: AbortSignal) => Promise<Entry | null>;
  send: (
    to: { sandboxKey: SandboxKey; path: string; conflict: UploadConflict },
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
  /** It failed because the session had ended. */
  isRefused: boolean;
  abort: AbortController;
};

const CONCURRENCY = 2;
const MAX_NUMBERS = 999;

export class UploadQueue {
  readonly #transport: UploadTransport;
  readonly #onDone: (upload: Upload) => void;
  readonly #items = new Map<number, Item>();
  readonly #answers = new Map<number, ConflictAnswer>();
  readonly #listeners = new Set<() => void>();
  #view: readonly Upload[] = [];
  #nextId = 1;
  #nextBatch = 1;

  constructor(transport: UploadTransport, onDone: (upload: Upload) => void) {
    this.#transport = transport;
    this.#onDone = onDone;
  }

  /** For `useSyncExternalStore`: all uploads, oldest first. */
  readonly view = (): readonly Upload[] => this.#view;
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(sandboxKey: SandboxKey, folder: string, files: readonly (Blob & { name: string })[]): void {
    const batch = this.#nextBatch++;
    for (const file of files) {
      const upload: Upload = {
        id: this.#nextId++,
        batch,
        sandboxKey,
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
        isRefused: false,
        abort: new AbortController(),
      });
    }
    this.#publish();
    this.#startNext();
  }

  answer(id: number, answer: ConflictAnswer, forAll: boolean): void {
    const target = this.#items.get(id);
    if (target?.upload.state !== 'asking') return;
    if (forAll) this.#answers.set(target.upload.batch, answer);
    for (const item of this.#items.values()) {
      const { state, batch, existing } = item.upload;
      const isIncluded = item === target || (forAll && batch === target.upload.batch);
      if (state === 'asking' && isIncluded && isPossible(answer, existing)) this.#applyAnswer(item, answer);
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
    item.isRefused = false;
    this.#change(item, { state: 'waiting', sentBytes: 0, failure: null });
    this.#startNext();
  }

  /** Sends the files again that failed because the session had ended. Call it when the person has signed in again. */
  retryRefused(): void {
    for (const [id, { isRefused, upload }] of this.#items)
      if (isRefused && upload.state === 'failed') this.retry(id);
  }

  clear(): void {
    for (const [id, { upload }] of this.#items) if (isOver(upload)) this.#items.delete(id);
    this.#publish();
  }

  #startNext(): void {
    const items = [...this.#items.values()];
    let free = CONCURRENCY - items.filter(({ upload }) => upload.state === 'sending').length;
    for (const item of items) {
      if (free <= 0) return;
      if (item.upload.state !== 'waiting') continue;
      free -= 1;
      void this.#send(item);
    }
  }

  async #send(item: Item): Promise<void> {
    const { signal } = item.abort;
    const { sandboxKey, folder } = item.upload;
    this.#change(item, { state: 'sending', sentBytes: 0 });
    try {
      if (item.isNumbered) await this.#findFreeName(item, signal);
      const path = childOf(folder, item.upload.name);
      // Avoids sending a large file in vain. The server checks again.
      const existing =
        item.conflict === 'replace' ? null : await this.#transport.stat(sandboxKey, path, signal);
      if (existing !== null) return this.#onConflict(item, existing);
      const to = { sandboxKey, path, conflict: item.conflict };
      await this.#transport.send(to, item.file, (sentBytes) => this.#change(item, { sentBytes }), signal);
      this.#change(item, { state: 'done', sentBytes: item.upload.totalBytes });
      this.#onDone(item.upload);
    } catch (thrown) {
      if (signal.aborted) return;
      const refusal = ApiFailure.from(thrown);
      if (refusal.code === 'conflict' && refusal.problem === null) this.#onConflict(item, null);
      else {
        item.isRefused = refusal.code === 'unauthenticated';
        this.#change(item, { state: 'failed', failure: refusal.message });
      }
    } finally {
      this.#startNext();
    }
  }

  #onConflict(item: Item, existing: Entry | null): void {
    const answer = this.#answers.get(item.upload.batch);
    if (answer === undefined || !isPossible(answer, existing))
      this.#change(item, { state: 'asking', existing, sentBytes: 0 });
    else this.#applyAnswer(item, answer);
  }

  #applyAnswer(item: Item, answer: ConflictAnswer): void {
    if (answer === 'skip') {
      this.#change(item, { state: 'skipped', existing: null });
      return;
    }
    item.conflict = answer === 'replace' ? 'replace' : 'refuse';
    item.isNumbered = answer === 'keep';
    this.#change(item, { state: 'waiting', existing: null, sentBytes: 0 });
  }

  async #findFreeName(item: Item, signal: AbortSignal): Promise<void> {
    const { sandboxKey, folder, name } = item.upload;
    for (let number = 2; number <= MAX_NUMBERS; number += 1) {
      const numbered = withNumber(name, number);
      if ((await this.#transport.stat(sandboxKey, childOf(folder, numbered), signal)) !== null) continue;
      item.isNumbered = false;
      this.#change(item, { name: numbered });
      return;
    }
    throw new ApiFailure(
      'conflict',
      'Too many files have this name. Rename the file and try again.',
      'denied',
    );
  }

  #change(item: Item, changes: Partial<Upload>): void {
    // Ignores late results of a cancelled upload.
    if (item.upload.state === 'cancelled' && changes.state !== 'waiting') return;
    item.upload = { ...item.upload, ...changes };
    this.#publish();
  }

  #publish(): void {
    this.#view = [...this.#items.values()].map(({ upload }) => upload);
    for (const listener of this.#listeners) listener();
  }
}

/** A file cannot replace a folder. */
export function isPossible(answer: ConflictAnswer, existing: Pick<Entry, 'kind'> | null): boolean {
  return answer !== 'replace' || existing?.kind !== 'directory';
}

const EXTENSION = /(?:\.tar)?\.[^.\s]{1,11}$/;

/** `report (2).html`. */
function withNumber(name: string, number: number): string {
  const extension = name.startsWith('.') && !name.includes('.', 1) ? '' : (EXTENSION.exec(name)?.[0] ?? '');
  return `${name.slice(0, name.length - extension.length)} (${number})${extension}`;
}
