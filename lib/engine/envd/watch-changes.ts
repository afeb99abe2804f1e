import type { Stats } from 'node:fs';

/**
 * Turns what Node tells about a directory into the events of docs/protocol.md#envd-watching-a-directory. Node merges
 * the kernel's kinds into two: `rename` for an entry that came, went, or (directories only) changed its attributes,
 * `change` for content and attributes of files. The difference comes from comparing what was there with what is there.
 */

export type EventType =
  | 'EVENT_TYPE_CREATE'
  | 'EVENT_TYPE_WRITE'
  | 'EVENT_TYPE_REMOVE'
  | 'EVENT_TYPE_RENAME'
  | 'EVENT_TYPE_CHMOD';

/** What was last seen under each name; null: something whose attributes were never seen. */
export type Known = Map<string, Stats | null>;

/** A directory as far as this module needs it. */
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

/** What is under a name now. */
type Look<Directory> = (directory: Directory, name: string) => Stats | null;

/**
 * Interprets a batch of events in their order, and updates what is known. `look` answers how things were after the last
 * of them. Limits of the comparison: something that was moved out of everything watched counts as removed, setting a
 * file's times counts as a write, and several writes in one batch count as one.
 */
export function interpret<Directory extends KnownDirectory>(
  events: readonly RawEvent<Directory>[],
  look: Look<Directory>,
): Change<Directory>[] {
  const batch = new Batch(events, look);
  return events.flatMap((event) => batch.interpret(event).map((type) => ({ ...event, type })));
}

class Batch<Directory extends KnownDirectory> {
  readonly #look: Look<Directory>;
  /** `rename` events still to come, by directory and name. */
  readonly #renamesLeft = new Map<Directory, Map<string, number>>();
  /** Where things are now that some event is about, by their identity. */
  readonly #arrived = new Map<string, Set<string>>();
  /** Files whose changes have been told. */
  readonly #told = new Map<Directory, Set<string>>();

  constructor(events: readonly RawEvent<Directory>[], look: Look<Directory>) {
    this.#look = look;
    const ids = new Map<Directory, number>();
    for (const { directory, name, kind } of events) {
      if (kind !== 'rename') continue;
      const left = this.#renamesLeft.get(directory) ?? new Map<string, number>();
      this.#renamesLeft.set(directory, left.set(name, (left.get(name) ?? 0) + 1));
      const stat = look(directory, name);
      if (!stat) continue;
      if (!ids.has(directory)) ids.set(directory, ids.size);
      const places = this.#arrived.get(identityOf(stat)) ?? new Set();
      this.#arrived.set(identityOf(stat), places.add(`${ids.get(directory)}/${name}`));
    }
  }

  interpret({ directory, name, kind }: RawEvent<Directory>): EventType[] {
    const before = directory.known.get(name);
    const now = this.#look(directory, name);
    if (kind === 'change')
      return before === undefined ? [] : this.#interpretChange(directory, name, before, now);
    const renamesLeft = this.#countDown(directory, name);
    if (before === undefined) return this.#created(directory, name, now);
    if (before && now && identityOf(before) === identityOf(now)) {
      const isChmod = now.isDirectory() && before.ctimeMs !== now.ctimeMs;
      if (isChmod && hasOtherAttributes(before, now))
        return this.#keep(directory, name, now, 'EVENT_TYPE_CHMOD');
      // It was found by looking before its own event arrived.
      if (renamesLeft === 0) return [];
    }
    if (now && renamesLeft === 0) return this.#created(directory, name, now);
    directory.known.delete(name);
    return [before && this.#isElsewhere(before, now) ? 'EVENT_TYPE_RENAME' : 'EVENT_TYPE_REMOVE'];
  }

  #interpretChange(directory: Directory, name: string, before: Stats | null, now: Stats | null): EventType[] {
    const told = this.#told.get(directory) ?? new Set<string>();
    const isTold = told.has(name);
    this.#told.set(directory, told.add(name));
    if (!now) return isTold ? [] : ['EVENT_TYPE_WRITE'];
    directory.known.set(name, now);
    const isChmod = before !== null && hasOtherAttributes(before, now);
    const isWrite = before !== null && (before.mtimeMs !== now.mtimeMs || before.size !== now.size);
    if (isChmod && isWrite) return ['EVENT_TYPE_CHMOD', 'EVENT_TYPE_WRITE'];
    if (isChmod) return ['EVENT_TYPE_CHMOD'];
    if (isWrite) return ['EVENT_TYPE_WRITE'];
    if (isTold) return [];
    // Nothing differs because an earlier look has seen the change already: a file with content was written.
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

  /** Whether what had a name has another one now. */
  #isElsewhere(before: Stats, now: Stats | null): boolean {
    const places = this.#arrived.get(identityOf(before))?.size ?? 0;
    const isStillHere = now !== null && identityOf(now) === identityOf(before);
    return places > (isStillHere ? 1 : 0);
  }
}

/** Inode numbers are used again at once, so the time of birth belongs to an identity. */
function identityOf(stat: Stats): string {
  return `${stat.dev}:${stat.ino}:${stat.birthtimeMs}`;
}

function hasOtherAttributes(before: Stats, now: Stats): boolean {
  return before.mode !== now.mode || before.uid !== now.uid || before.gid !== now.gid;
}
