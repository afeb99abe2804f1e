import type { Entry, FileProblem } from '../../sandbox/file';
import { isFolder, type Order, sortEntries } from './order';

/** Why a folder could not be read. `problem` is `null` for failures outside the sandbox. */
export type FolderFailure = { problem: FileProblem | null; message: string };

/** A folder as last read. `failure` may accompany older entries. */
export type Folder = {
  /** `null`: not read yet. */
  entries: readonly Entry[] | null;
  /** There are more than `entries`. */
  isCut: boolean;
  failure: FolderFailure | null;
};

export type EntryRow = {
  kind: 'entry';
  /** Stable for the same name. */
  key: string;
  entry: Entry;
  depth: number;
  /** Whether it is unfolded; `null` if it is not a folder. */
  isOpen: boolean | null;
};

export type NoteRow = {
  kind: 'note';
  key: string;
  depth: number;
  note:
    | { kind: 'reading' | 'empty' | 'cut' }
    | { kind: 'hidden'; count: number }
    | { kind: 'failed'; failure: FolderFailure };
};

export type TreeRow = EntryRow | NoteRow;

type TreeOptions = {
  root: string;
  folders: ReadonlyMap<string, Folder>;
  open: ReadonlySet<string>;
  order: Order;
  showsHidden: boolean;
};

export function treeRows(options: TreeOptions): TreeRow[] {
  const rows: TreeRow[] = [];
  addRows(rows, options, options.root, 0);
  return rows;
}

export function isHidden({ name }: Pick<Entry, 'name'>): boolean {
  return name.startsWith('.');
}

function addRows(rows: TreeRow[], options: TreeOptions, path: string, depth: number): void {
  const folder = options.folders.get(path);
  const addNote = (note: NoteRow['note']) => rows.push({ kind: 'note', key: `${path}\0`, depth, note });
  if (!folder?.entries) {
    addNote(folder?.failure ? { kind: 'failed', failure: folder.failure } : { kind: 'reading' });
    return;
  }
  const ordered = inOrder(folder.entries, options.order);
  const keys = new Set<string>();
  let hidden = 0;
  for (const entry of ordered) {
    if (!options.showsHidden && isHidden(entry)) {
      hidden += 1;
      continue;
    }
    const isOpen = isFolder(entry) && entry.isAddressable ? options.open.has(entry.path) : null;
    rows.push({ kind: 'entry', key: uniqueKey(entry, keys), entry, depth, isOpen });
    if (isOpen) addRows(rows, options, entry.path, depth + 1);
  }
  if (folder.isCut) addNote({ kind: 'cut' });
  else if (ordered.length === 0) addNote({ kind: 'empty' });
  else if (hidden === ordered.length) addNote({ kind: 'hidden', count: hidden });
}

/** Different names of invalid UTF-8 can decode to the same text. */
function uniqueKey(entry: Entry, keys: Set<string>): string {
  if (entry.isAddressable) return entry.path;
  let key = `${entry.path}\0`;
  for (let count = 2; keys.has(key); count += 1) key = `${entry.path}\0${count}`;
  keys.add(key);
  return key;
}

const ordered = new WeakMap<readonly Entry[], { order: Order; entries: readonly Entry[] }>();

/** Caches the sorted entries of each listing. */
function inOrder(entries: readonly Entry[], order: Order): readonly Entry[] {
  const known = ordered.get(entries);
  if (known?.order.key === order.key && known.order.direction === order.direction) return known.entries;
  const sorted = sortEntries(entries, order);
  ordered.set(entries, { order, entries: sorted });
  return sorted;
}

/** Rows in held positions, without later additions. */
export type HeldRows = {
  rows: readonly TreeRow[];
  /** Keys of `rows` that no longer exist. */
  gone: ReadonlySet<string>;
  /** How many new rows are held back. */
  arrived: number;
};

const NONE: ReadonlySet<string> = new Set();

export function releaseRows(rows: readonly TreeRow[]): HeldRows {
  return { rows, gone: NONE, arrived: 0 };
}

/** Updates `held` in place from `next`. Counts new rows and keeps deleted ones. */
export function holdRows(held: readonly TreeRow[], next: readonly TreeRow[]): HeldRows {
  const byKey = new Map(next.map((row) => [row.key, row]));
  const gone = new Set<string>();
  const rows = held.map((row) => {
    const now = byKey.get(row.key);
    if (now === undefined) gone.add(row.key);
    return now ?? row;
  });
  return { rows, gone, arrived: next.length - (held.length - gone.size) };
}

/** The index of the parent row, or -1 at the top level. */
export function parentIndex(rows: readonly TreeRow[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  for (let at = index - 1; at >= 0; at -= 1) if ((rows[at]?.depth ?? 0) < depth) return at;
  return -1;
}

/**
 * The index of the row that `text` selects, or -1. A single letter moves on from `from` to the next match; more letters stay
 * on `from` while it matches.
 */
export function findByPrefix(rows: readonly TreeRow[], from: number, text: string): number {
  const wanted = text.toLowerCase();
  const start = text.length === 1 ? from + 1 : Math.max(from, 0);
  for (let step = 0; step < rows.length; step += 1) {
    const at = (start + step) % rows.length;
    const row = rows[at];
    if (row?.kind === 'entry' && row.entry.name.toLowerCase().startsWith(wanted)) return at;
  }
  return -1;
}

/** `entries` with `changed` merged by name and `gone` removed. Returns the same array if nothing differs. */
export function patchEntries(
  entries: readonly Entry[],
  changed: readonly Entry[],
  gone: ReadonlySet<string>,
): readonly Entry[] {
  const news = new Map(changed.map((entry) => [entry.name, entry]));
  let differs = false;
  const kept = entries.flatMap((entry) => {
    if (gone.has(entry.name)) {
      differs = true;
      return [];
    }
    const now = news.get(entry.name);
    news.delete(entry.name);
    if (!now || isSame(now, entry)) return [entry];
    differs = true;
    return [now];
  });
  return differs || news.size > 0 ? [...kept, ...news.values()] : entries;
}

/** `next` with the objects of `before` for equal entries, so that their rows do not render again. */
export function reuseEntries(before: readonly Entry[], next: readonly Entry[]): readonly Entry[] {
  const known = new Map(before.map((entry) => [entry.name, entry]));
  let isSameList = before.length === next.length;
  const entries = next.map((entry, index) => {
    const old = known.get(entry.name);
    const kept = old && isSame(old, entry) ? old : entry;
    if (kept !== before[index]) isSameList = false;
    return kept;
  });
  return isSameList ? before : entries;
}

const FACTS = [
  'path',
  'kind',
  'leadsTo',
  'linkTarget',
  'sizeBytes',
  'permissions',
  'owner',
  'group',
  'modifiedAtMs',
  'isAddressable',
] as const satisfies (keyof Entry)[];

function isSame(a: Entry, b: Entry): boolean {
  return FACTS.every((fact) => a[fact] === b[fact]);
}
