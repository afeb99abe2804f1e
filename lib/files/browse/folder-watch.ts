import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitForResume } from '../../fleet/wait-for-resume';
import { fileProblemOf } from '../../sandbox-api/file-error';
import { SandboxKey } from '../../sandbox-key';
import { singleton } from '../../singleton';
import { type FileProblem, type FolderEvent, GuestPath } from '../schema';
import { openFiles } from './reader';

type Send = (event: FolderEvent) => void;

/** The minimum time between change events, ms. */
const SEND_EVERY_MS = 500;
/** Changes within this time share an event, ms. */
const GATHER_MS = 50;
/** An event with more names is sent without names. */
const MAX_NAMES = 500;
/** Delays of the reconnects after a lost connection, ms. */
const RETRY_AFTER_MS = [500, 2_000, 5_000, 10_000] as const;
/** A watch that lasted this long resets the delays, ms. */
const STEADY_MS = 30_000;

/** The watched folders. All subscribers of a folder share one watch in the sandbox. */
export class FolderWatches {
  readonly #watches = new Map<string, FolderWatch>();

  /**
   * Sends the changes of the folder with this `key` until `ended`. Returns a function that unsubscribes. Neither wakes the
   * sandbox nor extends its timeout. A pause does not end the watch: it starts again, with `watching`, after the resume.
   */
  listen(key: string, send: Send): () => void {
    const folder = parseKey(key);
    if (folder === null) {
      send({ kind: 'ended', problem: 'vanished' });
      return () => {};
    }
    const watch = this.#watches.get(key) ?? this.#open(key, folder);
    return watch.listen(send);
  }

  get size(): number {
    return this.#watches.size;
  }

  #open(key: string, folder: FolderKey): FolderWatch {
    const watch = new FolderWatch(folder, () => {
      if (this.#watches.get(key) === watch) this.#watches.delete(key);
    });
    this.#watches.set(key, watch);
    return watch;
  }
}

type FolderKey = { sandboxKey: SandboxKey; path: string };

function parseKey(key: string): FolderKey | null {
  const space = key.indexOf(' ');
  const sandboxKey = SandboxKey.safeParse(key.slice(0, space));
  const path = GuestPath.safeParse(key.slice(space + 1));
  return space > 0 && sandboxKey.success && path.success
    ? { sandboxKey: sandboxKey.data, path: path.data }
    : null;
}

class FolderWatch {
  readonly #folder: FolderKey;
  readonly #forget: () => void;
  readonly #listeners = new Set<Send>();
  readonly #leaving = new AbortController();
  readonly #changed = new Set<string>();
  #isActive = false;
  #timer: NodeJS.Timeout | null = null;
  #sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(folder: FolderKey, forget: () => void) {
    this.#folder = folder;
    this.#forget = forget;
    void this.#run();
  }

  listen(send: Send): () => void {
    this.#listeners.add(send);
    if (this.#isActive) send({ kind: 'watching' });
    return () => {
      this.#listeners.delete(send);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  async #run(): Promise<void> {
    const { signal } = this.#leaving;
    for (let failures = 0; ; ) {
      const startedMs = performance.now();
      const problem = await this.#watchOnce();
      if (signal.aborted) return;
      if (performance.now() - startedMs > STEADY_MS) failures = 0;
      if (problem === 'not_running') {
        await waitForResume(this.#folder.sandboxKey, signal);
        if (signal.aborted) return;
        continue;
      }
      const waitMs = RETRY_AFTER_MS[failures];
      if (problem !== 'unavailable' || waitMs === undefined) return this.#endWith(problem);
      failures += 1;
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** Watches until a failure and returns its problem. */
  async #watchOnce(): Promise<FileProblem> {
    const { signal } = this.#leaving;
    try {
      const envd = await openFiles(this.#folder.sandboxKey);
      for await (const name of envd.watchDir(this.#folder.path, signal)) {
        if (name === null) this.#begin();
        else this.#note(name);
      }
      return 'unavailable';
    } catch (thrown) {
      return fileProblemOf(thrown) ?? 'unavailable';
    } finally {
      this.#isActive = false;
    }
  }

  #begin(): void {
    this.#isActive = true;
    this.#send({ kind: 'watching' });
  }

  #note(name: string): void {
    if (this.#changed.size <= MAX_NAMES) this.#changed.add(name);
    this.#timer ??= setTimeout(
      () => this.#sendChanges(),
      Math.max(GATHER_MS, this.#sentAtMs + SEND_EVERY_MS - performance.now()),
    );
  }

  #sendChanges(): void {
    const names = this.#changed.size > MAX_NAMES ? [] : [...this.#changed];
    this.#changed.clear();
    this.#timer = null;
    this.#sentAtMs = performance.now();
    this.#send({ kind: 'changed', names });
  }

  #endWith(problem: FileProblem): void {
    if (this.#timer) this.#sendChanges();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.#end();
    for (const send of listeners) send({ kind: 'ended', problem });
  }

  #end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forget();
    this.#leaving.abort();
  }

  #send(event: FolderEvent): void {
    for (const send of [...this.#listeners]) send(event);
  }
}

export function folderWatches(): FolderWatches {
  return singleton('folder-watches', () => new FolderWatches());
}
