import type { Tokens } from './ids';
import { type RecordState, type SandboxRecord, VISIBLE_STATE, type VisibleState } from './record';
import type { RecordFiles } from './record-files';
import { SortedIndex } from './sorted-index';

/** A position in the list, which is sorted newest start first, then by id (docs/protocol.md#listing-sandboxes). */
export type ListPosition = { startedAtMs: number; id: string };
/** By start: newest first or oldest first. */
export type ListOrder = 'desc' | 'asc';

/** The index is the list in reverse, so that new sandboxes are appended. */
function byStart(a: ListPosition, b: ListPosition): number {
  return a.startedAtMs - b.startedAtMs || compareText(b.id, a.id);
}

function byDeadline(a: SandboxRecord, b: SandboxRecord): number {
  return a.endAtMs - b.endAtMs || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** All sandboxes, in memory and on disk. Records are immutable: an update replaces the record and writes its file. */
export class Registry {
  readonly #files: RecordFiles;
  readonly #tokens: Tokens;
  readonly #records = new Map<string, SandboxRecord>();
  readonly #ids = new Map<string, string>();
  readonly #starts = new SortedIndex<ListPosition>(byStart);
  readonly #deadlines = new SortedIndex<SandboxRecord>(byDeadline);
  readonly #counts: Record<RecordState, number> = { running: 0, pausing: 0, paused: 0, killing: 0 };

  constructor(files: RecordFiles, tokens: Tokens) {
    this.#files = files;
    this.#tokens = tokens;
  }

  restore(records: readonly SandboxRecord[]): void {
    for (const record of records) this.#insert(record);
  }

  get(id: string): SandboxRecord | undefined {
    return this.#records.get(id);
  }

  /** The sandbox unless it is being killed. */
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
    this.#insert(record);
  }

  update(record: SandboxRecord, patch: Partial<SandboxRecord>): SandboxRecord {
    const next = { ...record, ...patch };
    this.#files.save(next);
    this.#drop(record);
    this.#insert(next);
    return next;
  }

  /** Hides a sandbox from callers until a restart. In memory only, so that it works on a full disk. */
  hide(record: SandboxRecord): SandboxRecord {
    const hidden: SandboxRecord = { ...record, state: 'killing' };
    this.#drop(record);
    this.#insert(hidden);
    return hidden;
  }

  deleteFile(id: string): void {
    this.#files.delete(id);
  }

  remove(record: SandboxRecord): void {
    this.#drop(record);
  }

  /** The sandbox with this access token, in any state. */
  findByToken(token: string): SandboxRecord | undefined {
    const id = this.#ids.get(token);
    return id === undefined ? undefined : this.#records.get(id);
  }

  /** Visible sandboxes in list order, starting after `after` or at the first. */
  *list(
    states: ReadonlySet<VisibleState>,
    order: ListOrder = 'desc',
    after?: ListPosition,
  ): Generator<SandboxRecord> {
    const starts = order === 'desc' ? this.#starts.backwards(after) : this.#starts.forwards(after);
    for (const { id } of starts) {
      const record = this.#records.get(id);
      const state = record === undefined ? null : VISIBLE_STATE[record.state];
      if (record !== undefined && state !== null && states.has(state)) yield record;
    }
  }

  /** Running sandboxes, latest deadline first. */
  running(): Generator<SandboxRecord> {
    return this.#deadlines.backwards();
  }

  /** Running sandboxes past their deadline, earliest first. */
  overdue(nowMs: number): SandboxRecord[] {
    return this.#deadlines.takeWhile((record) => record.endAtMs <= nowMs);
  }

  #insert(record: SandboxRecord): void {
    this.#records.set(record.id, record);
    this.#ids.set(this.#tokens.access(record.id), record.id);
    this.#starts.add(record);
    if (record.state === 'running') this.#deadlines.add(record);
    this.#counts[record.state] += 1;
  }

  #drop(record: SandboxRecord): void {
    this.#records.delete(record.id);
    this.#ids.delete(this.#tokens.access(record.id));
    this.#starts.remove(record);
    if (record.state === 'running') this.#deadlines.remove(record);
    this.#counts[record.state] -= 1;
  }
}
