import type { Stats } from 'node:fs';

export type EventType =
  | 'EVENT_TYPE_CREATE'
  | 'EVENT_TYPE_WRITE'
  | 'EVENT_TYPE_REMOVE'
  | 'EVENT_TYPE_RENAME'
  | 'EVENT_TYPE_CHMOD';

/** The last known state by name; null if the entry existed but its attributes were never read. */
export type Known = Map<string, Stats | null>;

export type KnownDirectory = { readonly known: Known };

export type RawEvent<Directory extends KnownDirectory> = {
  readonly directory: Directory;
  readonly name: string;
  readonly kind: 'rename' | 'change';
};

export type Change<Directory extends KnownDirectory> = {
  readonly directory: Directory;
  readonly name: string;
  readonly type: EventType;
};

type StatOf<Directory> = (directory: Directory, name: string) => Stats | null;

/**
 * Turns events of Node into events of envd (docs/protocol.md#envd-watching-a-directory), and updates the known state.
 * Node reports `rename` for an entry that was created, removed or, if a directory, changed its attributes, and `change`
 * for the content and attributes of files. Comparing the states before and after the batch tells these apart, with
 * limits: an entry moved out of the watch counts as removed, a new file time as a write, and several writes as one.
 */
export function interpret<Directory extends KnownDirectory>(
  events: readonly RawEvent<Directory>[],
  statOf: StatOf<Directory>,
): Change<Directory>[] {
  const batch = new Batch(events, statOf);
  return events.flatMap((event) => batch.interpret(event).map((type) => ({ ...event, type })));
}

class Batch<Directory extends KnownDirectory> {
  readonly #statOf: StatOf<Directory>;
  /** Number of remaining `rename` events, by directory and name. */
  readonly #renamesLeft = new Map<Directory, Map<string, number>>();
  /** Current places of renamed entries, by identity. */
  readonly #arrived = new Map<string, Set<string>>();
  readonly #reported = new Map<Directory, Set<string>>();

  constructor(events: readonly RawEvent<Directory>[], statOf: StatOf<Directory>) {
    this.#statOf = statOf;
    const ids = new Map<Directory, number>();
    for (const { directory, name, kind } of events) {
      if (kind !== 'rename') continue;
      const left = this.#renamesLeft.get(directory) ?? new Map<string, number>();
      this.#renamesLeft.set(directory, left.set(name, (left.get(name) ?? 0) + 1));
      const stat = statOf(directory, name);
      if (!stat) continue;
      if (!ids.has(directory)) ids.set(directory, ids.size);
      const places = this.#arrived.get(identityOf(stat)) ?? new Set();
      this.#arrived.set(identityOf(stat), places.add(`${ids.get(directory)}/${name}`));
    }
  }

  interpret({ directory, name, kind }: RawEvent<Directory>): EventType[] {
    const before = directory.known.get(name);
    const now = this.#statOf(directory, name);
    if (kind === 'change')
      return before === undefined ? [] : this.#interpretChange(directory, name, before, now);
    const renamesLeft = this.#countDown(directory, name);
    if (before === undefined) return this.#created(directory, name, now);
    if (before && now && identityOf(before) === identityOf(now)) {
      const isChmod = now.isDirectory() && before.ctimeMs !== now.ctimeMs;
      if (isChmod && hasOtherAttributes(before, now))
        return this.#keep(directory, name, now, 'EVENT_TYPE_CHMOD');
      // A read found it before its own event arrived.
      if (renamesLeft === 0) return [];
    }
    if (now && renamesLeft === 0) return this.#created(directory, name, now);
    directory.known.delete(name);
    return [before && this.#isElsewhere(before, now) ? 'EVENT_TYPE_RENAME' : 'EVENT_TYPE_REMOVE'];
  }

  #interpretChange(directory: Directory, name: string, before: Stats | null, now: Stats | null): EventType[] {
    const reported = this.#reported.get(directory) ?? new Set<string>();
    const isReported = reported.has(name);
    this.#reported.set(directory, reported.add(name));
    if (!now) return isReported ? [] : ['EVENT_TYPE_WRITE'];
    directory.known.set(name, now);
    const isChmod = before !== null && hasOtherAttributes(before, now);
    const isWrite = before !== null && (before.mtimeMs !== now.mtimeMs || before.size !== now.size);
    if (isChmod && isWrite) return ['EVENT_TYPE_CHMOD', 'EVENT_TYPE_WRITE'];
    if (isChmod) return ['EVENT_TYPE_CHMOD'];
    if (isWrite) return ['EVENT_TYPE_WRITE'];
    if (isReported) return [];
    // An earlier read has already seen this change. A file with content was written.
    const isOnlyCtime = before !== null && before.ctimeMs !== now.ctimeMs;
    return [now.size > 0 && !isOnlyCtime ? 'EVENT_TYPE_WRITE' : 'EVENT_TYPE_CHMOD'];
  }

  #created(directory: Directory, name: string, now: Stats | null): EventType[] {
    return this.#keep(directory, name, now, 'EVENT_TYPE_CREATE');
  }

  #keep(directory: Directory, name: string, now: Stats | null, type: EventType): EventType[] {
    directory.known.set(name, now);
    return [type];
  }

  #countDown(directory: Directory, name: string): number {
    const left = this.#renamesLeft.get(directory);
    const count = (left?.get(name) ?? 1) - 1;
    left?.set(name, count);
    return count;
  }

  /** Whether the entry now has another name. */
  #isElsewhere(before: Stats, now: Stats | null): boolean {
    const places = this.#arrived.get(identityOf(before))?.size ?? 0;
    const isStillHere = now !== null && identityOf(now) === identityOf(before);
    return places > (isStillHere ? 1 : 0);
  }
}

/** Includes the birth time, because inode numbers are reused at once. */
function identityOf(stat: Stats): string {
  return `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
}

function hasOtherAttributes(before: Stats, now: Stats): boolean {
  return before.mode !== now.mode || before.uid !== now.uid || before.gid !== now.gid;
}
