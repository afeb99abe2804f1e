import 'server-only';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandboxId } from '../../sandbox/schema';
import { fileProblemOf } from '../../sandbox-api/file-error';
import { singleton } from '../../singleton';
import { type FileProblem, type FolderEvent, GuestPath } from '../schema';
import { openFiles } from './reader';

type Tell = (event: FolderEvent) => void;

/** At most this often is told what has changed, ms. */
const TELL_EVERY_MS = 500;
/** What changes at once is told together, ms. */
const GATHER_MS = 50;
/** More names than these are not told one by one. */
const MAX_NAMES = 500;
/** Waits before the watch is set up again after its connection broke, ms. */
const RETRY_AFTER_MS = [500, 2_000, 5_000, 10_000] as const;
/** A watch that has held this long was a good one, ms. */
const STEADY_MS = 30_000;

/** The folders that are looked at now: one watch in the sandbox for each, however many look. */
export class FolderWatches {
  readonly #watches = new Map<string, FolderWatch>();

  /**
   * Tells what changes in the folder that `key` names, until the answered function is called or until `ended`, after
   * which nothing more comes. Never wakes a sandbox and never keeps it longer.
   */
  listen(key: string, tell: Tell): () => void {
    const place = readKey(key);
    if (place === null) {
      tell({ kind: 'ended', problem: 'vanished' });
      return () => {};
    }
    const watch = this.#watches.get(key) ?? this.#open(key, place);
    return watch.listen(tell);
  }

  /** How many folders are watched. */
  get size(): number {
    return this.#watches.size;
  }

  #open(key: string, place: Place): FolderWatch {
    const watch = new FolderWatch(place, () => {
      if (this.#watches.get(key) === watch) this.#watches.delete(key);
    });
    this.#watches.set(key, watch);
    return watch;
  }
}

type Place = { sandboxId: string; path: string };

function readKey(key: string): Place | null {
  const space = key.indexOf(' ');
  const sandboxId = SandboxId.safeParse(key.slice(0, space));
  const path = GuestPath.safeParse(key.slice(space + 1));
  return space > 0 && sandboxId.success && path.success
    ? { sandboxId: sandboxId.data, path: path.data }
    : null;
}

/** One folder that is watched, for all who listen. */
class FolderWatch {
  readonly #place: Place;
  readonly #forget: () => void;
  readonly #listeners = new Set<Tell>();
  readonly #leaving = new AbortController();
  readonly #changed = new Set<string>();
  #isActive = false;
  #timer: NodeJS.Timeout | null = null;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(place: Place, forget: () => void) {
    this.#place = place;
    this.#forget = forget;
    void this.#run();
  }

  listen(tell: Tell): () => void {
    this.#listeners.add(tell);
    if (this.#isActive) tell({ kind: 'watching' });
    return () => {
      this.#listeners.delete(tell);
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
      const waitMs = RETRY_AFTER_MS[failures];
      if (problem !== 'unavailable' || waitMs === undefined) return this.#endWith(problem);
      failures += 1;
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
    }
  }

  /** Watches until that fails, and answers of what. */
  async #watchOnce(): Promise<FileProblem> {
    const { signal } = this.#leaving;
    try {
      const envd = await openFiles(this.#place.sandboxId);
      for await (const name of envd.watchDir(this.#place.path, signal)) {
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
    this.#tell({ kind: 'watching' });
  }

  #note(name: string): void {
    if (this.#changed.size <= MAX_NAMES) this.#changed.add(name);
    this.#timer ??= setTimeout(
      () => this.#tellChanges(),
      Math.max(GATHER_MS, this.#toldAtMs + TELL_EVERY_MS - performance.now()),
    );
  }

  #tellChanges(): void {
    const names = this.#changed.size > MAX_NAMES ? [] : [...this.#changed];
    this.#changed.clear();
    this.#timer = null;
    this.#toldAtMs = performance.now();
    this.#tell({ kind: 'changed', names });
  }

  #endWith(problem: FileProblem): void {
    if (this.#timer) this.#tellChanges();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    this.#end();
    for (const tell of listeners) tell({ kind: 'ended', problem });
  }

  #end(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#forget();
    this.#leaving.abort();
  }

  #tell(event: FolderEvent): void {
    for (const tell of [...this.#listeners]) tell(event);
  }
}

/** The watches of this process. */
export function folderWatches(): FolderWatches {
  return singleton('folder-watches', () => new FolderWatches());
}
