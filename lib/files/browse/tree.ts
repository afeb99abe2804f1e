import type { Entry, FileProblem } from '../../sandbox/guest-file';
import { isFolder, type Order, sortEntries } from './order';

/** Why a folder could not be read. `problem` is `null` where it is neither the file's nor the sandbox's. */
export type FolderFailure = { problem: FileProblem | null; message: string };

/** What is known of a folder. A failure may stand beside what was read before. */
export type Folder = {
  /** `null`: nothing has been read yet. */
  entries: readonly Entry[] | null;
  /** It holds more than `entries`. */
  isCut: boolean;
  failure: FolderFailure | null;
};

export type EntryRow = {
  kind: 'entry';
  /** The same for as long as the row stands for the same name. */
  key: string;
  entry: Entry;
  /** How many folders of the tree it lies in. */
  depth: number;
  /** Whether what is below it is shown; `null` for what is no folder. */
  isOpen: boolean | null;
};

/** What stands in the place of entries. */
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

type Asked = {
  /** The folder whose entries are at the top. */
  root: string;
  folders: ReadonlyMap<string, Folder>;
  /** Folders below it that are unfolded. */
  open: ReadonlySet<string>;
  order: Order;
  showsHidden: boolean;
};

/** The tree as rows from top to bottom. */
export function treeRows(asked: Asked): TreeRow[] {
  const rows: TreeRow[] = [];
  addRows(rows, asked, asked.root, 0);
  return rows;
}

/** Whether a name is hidden by custom. */
export function isHidden({ name }: Pick<Entry, 'name'>): boolean {
  return name.startsWith('.');
}

function addRows(rows: TreeRow[], asked: Asked, path: string, depth: number): void {
  const folder = asked.folders.get(path);
  const addNote = (note: NoteRow['note']) => rows.push({ kind: 'note', key: `${path}\0`, depth, note });
  if (!folder?.entries) {
    addNote(folder?.failure ? { kind: 'failed', failure: folder.failure } : { kind: 'reading' });
    return;
  }
  const ordered = inOrder(folder.entries, asked.order);
  const keys = new Set<string>();
  let hidden = 0;
  for (const entry of ordered) {
    if (!asked.showsHidden && isHidden(entry)) {
      hidden += 1;
      continue;
    }
    const isOpen = isFolder(entry) && entry.isAddressable ? asked.open.has(entry.path) : null;
    rows.push({ kind: 'entry', key: uniqueKey(entry, keys), entry, depth, isOpen });
    if (isOpen) addRows(rows, asked, entry.path, depth + 1);
  }
  if (folder.isCut) addNote({ kind: 'cut' });
  else if (ordered.length === 0) addNote({ kind: 'empty' });
  else if (hidden === ordered.length) addNote({ kind: 'hidden', count: hidden });
}

/** Names that are no UTF-8 all look alike once their bytes are replaced. */
function uniqueKey(entry: Entry, keys: Set<string>): string {
  if (entry.isAddressable) return entry.path;
  let key = `${entry.path}\0`;
  for (let count = 2; keys.has(key); count += 1) key = `${entry.path}\0${count}`;
  keys.add(key);
  return key;
}

const ordered = new WeakMap<readonly Entry[], { order: Order; entries: readonly Entry[] }>();

/** Sorts a listing once, however often its rows are made. */
function inOrder(entries: readonly Entry[], order: Order): readonly Entry[] {
  const known = ordered.get(entries);
  if (known?.order.key === order.key && known.order.direction === order.direction) return known.entries;
  const sorted = sortEntries(entries, order);
  ordered.set(entries, { order, entries: sorted });
  return sorted;
}

/** Rows where they were, whatever has come or gone since. */
export type HeldRows = {
  rows: readonly TreeRow[];
  /** Keys among `rows` that are no longer there. */
  gone: ReadonlySet<string>;
  /** How many rows wait to be shown. */
  arrived: number;
};

const NONE: ReadonlySet<string> = new Set();

/** Rows as they are, nothing held back. */
export function releaseRows(rows: readonly TreeRow[]): HeldRows {
  return { rows, gone: NONE, arrived: 0 };
}

/** `next` in the places of `held`: what is new is only counted, and what is gone stays where it was. */
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

/** The row above that holds the row at `index`, or -1 at the top. */
export function parentIndex(rows: readonly TreeRow[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  for (let at = index - 1; at >= 0; at -= 1) if ((rows[at]?.depth ?? 0) < depth) return at;
  return -1;
}

/**
 * The row that typing `text` leads to from `from`, or -1. One letter goes on to the next name that begins with it;
 * more stay on the name they are in as long as it goes on to match.
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

/** `changed` in the place of what had the same names in `entries`, `gone` taken out. The same array where nothing differs. */
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

/** `next`, with the entries of `before` wherever they are the same, so that their rows need not be drawn again. */
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
