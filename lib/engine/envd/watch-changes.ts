import type { Stats } from 'node:fs';

export type EventType =
  | 'EVENT_TYPE_CREATE'
  | 'EVENT_TYPE_WRITE'
  | 'EVENT_TYPE_REMOVE'
  | 'EVENT_TYPE_RENAME'
  | 'EVENT_TYPE_CHMOD';

export type KnownEntry = {
  /** The last known state; null if the entry existed but its attributes were never read. */
  readonly stat: Stats | null;
  /** Whether the change that led to this state has been reported. */
  readonly isReported: boolean;
  /** Whether an upload led to this state. */
  readonly isUpload: boolean;
};

/** By name. */
export type Known = Map<string, KnownEntry>;

export type KnownDirectory = { readonly known: Known };

export type RawEvent<Directory extends KnownDirectory> = {
  readonly directory: Directory;
  readonly name: string;
  readonly kind: 'rename' | 'change';
  /** Whether this stands for a whole upload. */
  readonly isUpload?: boolean;
};

export type Change<Directory extends KnownDirectory> = {
  readonly directory: Directory;
  readonly name: string;
  readonly type: EventType;
};

export type StatesAfter<Directory extends KnownDirectory> = {
  stat(directory: Directory, name: string): Stats | null;
  /** Whether the entry known by this name still exists under another one. */
  isMoved(directory: Directory, name: string): boolean;
};

/** Same-sized writes in one tick of the kernel's clock leave the same times. */
const CLOCK_TICK_MS = 20;

/**
 * Turns events of Node into events of envd (docs/protocol.md#envd-watching-a-directory), and updates the known state.
 * Node reports `rename` for an entry that was created, removed or, if a directory, changed its attributes, and `change`
 * for the content and attributes of files. Comparing the states before and after the batch tells these apart, with
 * limits: several writes of a process may count as one, and `touch -m` as a write.
 */
export function interpret<Directory extends KnownDirectory>(
  events: readonly RawEvent<Directory>[],
  after: StatesAfter<Directory>,
): Change<Directory>[] {
  const batch = new Batch(events, after);
  return events.flatMap((event) => batch.interpret(event).map((type) => ({ ...event, type })));
}

class Batch<Directory extends KnownDirectory> {
  readonly #after: StatesAfter<Directory>;
  /** Number of remaining `rename` events, by directory and name. */
  readonly #renamesLeft = new Map<Directory, Map<string, number>>();
  /** Current places of renamed entries, by identity. */
  readonly #arrived = new Map<string, Set<string>>();
  readonly #reported = new Map<Directory, Set<string>>();

  constructor(events: readonly RawEvent<Directory>[], after: StatesAfter<Directory>) {
    this.#after = after;
    const ids = new Map<Directory, number>();
    for (const { directory, name, kind } of events) {
      if (kind !== 'rename') continue;
      const left = this.#renamesLeft.get(directory) ?? new Map<string, number>();
      this.#renamesLeft.set(directory, left.set(name, (left.get(name) ?? 0) + 1));
      const stat = after.stat(directory, name);
      if (!stat) continue;
      if (!ids.has(directory)) ids.set(directory, ids.size);
      const places = this.#arrived.get(identityOf(stat)) ?? new Set();
      this.#arrived.set(identityOf(stat), places.add(`${ids.get(directory)}/${name}`));
    }
  }

  interpret({ directory, name, kind, isUpload = false }: RawEvent<Directory>): EventType[] {
    const before = directory.known.get(name);
    const now = this.#after.stat(directory, name);
    if (kind === 'change') {
      if (!before) return [];
      return isUpload
        ? this.#uploaded(directory, name, before, now)
        : this.#changed(directory, name, before, now);
    }
    const renamesLeft = this.#countDown(directory, name);
    if (before === undefined) return this.#created(directory, name, now);
    const { stat } = before;
    if (stat && now && identityOf(stat) === identityOf(now)) {
      if (now.isDirectory() && (hasOtherAttributes(stat, now) || isTouched(stat, now)))
        return this.#keep(directory, name, now, 'EVENT_TYPE_CHMOD');
      // A read found it before its own event arrived.
      if (renamesLeft === 0) return [];
    }
    if (now && renamesLeft === 0) return this.#created(directory, name, now);
    const isElsewhere =
      stat !== null && (this.#isElsewhere(stat, now) || this.#after.isMoved(directory, name));
    directory.known.delete(name);
    return [isElsewhere ? 'EVENT_TYPE_RENAME' : 'EVENT_TYPE_REMOVE'];
  }

  #changed(directory: Directory, name: string, before: KnownEntry, now: Stats | null): EventType[] {
    const reported = this.#reported.get(directory) ?? new Set<string>();
    const isRepeated = reported.has(name);
    this.#reported.set(directory, reported.add(name));
    if (!now) return isRepeated ? [] : ['EVENT_TYPE_WRITE'];
    const { stat, isReported } = before;
    const isSame = stat !== null && hasSameContent(stat, now);
    const isWholeState = stat !== null && isSameState(stat, now);
    directory.known.set(name, { stat: now, isReported: true, isUpload: before.isUpload && isWholeState });
    const isChmod = stat !== null && hasOtherAttributes(stat, now);
    const isWrite = stat !== null && !isSame && (isChmod || !isTouched(stat, now));
    if (isWrite) return isChmod ? ['EVENT_TYPE_CHMOD', 'EVENT_TYPE_WRITE'] : ['EVENT_TYPE_WRITE'];
    if (stat !== null && !isWholeState) return ['EVENT_TYPE_CHMOD'];
    // An earlier read has already seen this change. It may be a second one within one tick of the clock.
    const isRecent = Date.now() - now.mtimeMs < CLOCK_TICK_MS;
    if (isRepeated || (isReported && (before.isUpload || !isRecent))) return [];
    return [now.size > 0 ? 'EVENT_TYPE_WRITE' : 'EVENT_TYPE_CHMOD'];
  }

  /** Reports an upload: the new owner of a file that it has created, and the content unless it left an empty file empty. */
  #uploaded(directory: Directory, name: string, before: KnownEntry, now: Stats | null): EventType[] {
    if (now) directory.known.set(name, { stat: now, isReported: true, isUpload: true });
    // On a busy machine its last change may have been handled on its own, just before it settled.
    if (before.isReported && before.stat && now && isSameState(before.stat, now)) return [];
    const isEmpty = now?.size === 0 && before.stat?.size === 0;
    return [
      ...(before.isReported ? [] : (['EVENT_TYPE_CHMOD'] as const)),
      ...(isEmpty ? [] : (['EVENT_TYPE_WRITE'] as const)),
    ];
  }

  #created(directory: Directory, name: string, now: Stats | null): EventType[] {
    return this.#keep(directory, name, now, 'EVENT_TYPE_CREATE');
  }

  #keep(directory: Directory, name: string, stat: Stats | null, type: EventType): EventType[] {
    directory.known.set(name, { stat, isReported: false, isUpload: false });
    return [type];
  }

  #countDown(directory: Directory, name: string): number {
    const left = this.#renamesLeft.get(directory);
    const count = (left?.get(name) ?? 1) - 1;
    left?.set(name, count);
    return count;
  }

  /** Whether the entry now has another name that is watched. */
  #isElsewhere(before: Stats, now: Stats | null): boolean {
    const places = this.#arrived.get(identityOf(before))?.size ?? 0;
    const isStillHere = now !== null && identityOf(now) === identityOf(before);
    return places > (isStillHere ? 1 : 0);
  }
}

/** Includes the birth time, because inode numbers are reused at once. */
export function identityOf(stat: Stats): string {
  return `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
}

export function hasOtherAttributes(before: Stats, now: Stats): boolean {
  return before.mode !== now.mode || before.uid !== now.uid || before.gid !== now.gid;
}

/**
 * Whether the times were set, as `touch` does. A write sets the time of the content to that of the change and leaves the time
 * of the last access.
 */
export function isTouched(before: Stats, now: Stats): boolean {
  if (before.mtimeMs === now.mtimeMs || before.size !== now.size) return false;
  return now.mtimeMs !== now.ctimeMs || (before.atimeMs !== now.atimeMs && now.atimeMs === now.mtimeMs);
}

function hasSameContent(one: Stats, other: Stats): boolean {
  return one.mtimeMs === other.mtimeMs && one.size === other.size;
}

function isSameState(one: Stats, other: Stats): boolean {
  return hasSameContent(one, other) && one.ctimeMs === other.ctimeMs;
}
