import type { Tokens } from './ids';
import { type RecordState, type SandboxRecord, VISIBLE_STATE, type VisibleState } from './record';
import type { RecordFiles } from './record-files';
import { SortedIndex } from './sorted-index';

/** A place in the list: `startedAt` falling, then id rising (docs/protocol.md#listing-sandboxes). */
export type ListPlace = { startedAtMs: number; id: string };

/** Rising order of the index is the *reverse* of the list's, so that new sandboxes are appended. */
function byStart(a: ListPlace, b: ListPlace): number {
  return a.startedAtMs - b.startedAtMs || compareText(b.id, a.id);
}

function byDeadline(a: SandboxRecord, b: SandboxRecord): number {
  return a.endAtMs - b.endAtMs || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * All sandboxes there are, in memory and on disk. Records are never changed in place: an update replaces the record,
 * moves it in the indexes and writes its file before it returns.
 */
export class Registry {
  readonly #files: RecordFiles;
  readonly #tokens: Tokens;
  readonly #records = new Map<string, SandboxRecord>();
  readonly #ids = new Map<string, string>();
  readonly #starts = new SortedIndex<ListPlace>(byStart);
  readonly #deadlines = new SortedIndex<SandboxRecord>(byDeadline);
  readonly #counts: Record<RecordState, number> = { running: 0, pausing: 0, paused: 0, killing: 0 };

  constructor(files: RecordFiles, tokens: Tokens) {
    this.#files = files;
    this.#tokens = tokens;
  }

  /** Takes up what was read at start; nothing is written. */
  restore(records: readonly SandboxRecord[]): void {
    for (const record of records) this.#enter(record);
  }

  get(id: string): SandboxRecord | undefined {
    return this.#records.get(id);
  }

  /** The record that a caller may see: not one that is being killed. */
  getVisible(id: string): SandboxRecord | undefined {
    const record = this.#records.get(id);
    return record !== undefined && VISIBLE_STATE[record.state] !== null ? record : undefined;
  }

  all(): IterableIterator<SandboxRecord> {
    return this.#records.values();
  }

  count(state: RecordState): number {
    return this.#counts[state];
  }

  add(record: SandboxRecord): void {
    this.#files.save(record);
    this.#enter(record);
  }

  /** Returns the record as it is now. */
  update(record: SandboxRecord, patch: Partial<SandboxRecord>): SandboxRecord {
    const next = { ...record, ...patch };
    this.#files.save(next);
    this.#leave(record);
    this.#enter(next);
    return next;
  }

  /** Takes it out of sight, in memory alone: needs no space on a full disk, and is undone by a restart. */
  hide(record: SandboxRecord): SandboxRecord {
    const hidden: SandboxRecord = { ...record, state: 'killing' };
    this.#leave(record);
    this.#enter(hidden);
    return hidden;
  }

  deleteFile(id: string): void {
    this.#files.delete(id);
  }

  /** Forgets the record itself; its file is deleted before. */
  remove(record: SandboxRecord): void {
    this.#leave(record);
  }

  /** The sandbox an access token belongs to, in any state. */
  findByToken(token: string): SandboxRecord | undefined {
    const id = this.#ids.get(token);
    return id === undefined ? undefined : this.#records.get(id);
  }

  /** Shown sandboxes in list order, from just after `after`, or from the newest. */
  *listed(states: ReadonlySet<VisibleState>, after?: ListPlace): Generator<SandboxRecord> {
    for (const { id } of this.#starts.backwards(after)) {
      const record = this.#records.get(id);
      const shown = record === undefined ? null : VISIBLE_STATE[record.state];
      if (record !== undefined && shown !== null && states.has(shown)) yield record;
    }
  }

  /** Running sandboxes, the latest deadline first. */
  running(): Generator<SandboxRecord> {
    return this.#deadlines.backwards();
  }

  /** Running sandboxes whose deadline has come, the earliest first. */
  overdue(nowMs: number): SandboxRecord[] {
    return this.#deadlines.takeWhile((record) => record.endAtMs <= nowMs);
  }

  #enter(record: SandboxRecord): void {
    this.#records.set(record.id, record);
    this.#ids.set(this.#tokens.access(record.id), record.id);
    this.#starts.add(record);
    if (record.state === 'running') this.#deadlines.add(record);
    this.#counts[record.state] += 1;
  }

  #leave(record: SandboxRecord): void {
    this.#records.delete(record.id);
    this.#ids.delete(this.#tokens.access(record.id));
    this.#starts.remove(record);
    if (record.state === 'running') this.#deadlines.remove(record);
    this.#counts[record.state] -= 1;
  }
}
