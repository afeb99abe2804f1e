import type { IndexedSandbox } from './row-index';
import { STATE_FACTS } from './states';

const FIXED_KEYS = ['connection', 'state', 'id', 'template', 'age', 'up', 'left', 'size', 'started'] as const;
type FixedKey = (typeof FIXED_KEYS)[number];

const METADATA_PREFIX = 'meta:';

/** A column to sort by: a fixed one, or the metadata key after `meta:`. */
export type SortKey = FixedKey | `${typeof METADATA_PREFIX}${string}`;
export type SortDirection = 'asc' | 'desc';
export type Sort = { readonly key: SortKey; readonly direction: SortDirection };

/** Negative, zero or positive as in `Array.prototype.sort`. */
type Compare = (a: IndexedSandbox, b: IndexedSandbox) => number;

/** `null` if the row has no value in the column. */
type NumberColumn = (row: IndexedSandbox) => number | null;
type TextColumn = (row: IndexedSandbox) => string | null;

const TEXT_COLUMNS = {
  connection: ({ connection }) => connection,
  template: ({ templateName }) => templateName,
} satisfies Record<string, TextColumn>;

/** Uses starts and deadlines instead of ages and times left, so that sorting needs no clock. */
const NUMBER_COLUMNS = {
  state: (row) => STATE_FACTS[row.sandbox.state].rank,
  age: ({ firstStartMs }) => (firstStartMs === null ? null : -firstStartMs),
  up: ({ upSinceMs }) => (upSinceMs === null ? null : -upSinceMs),
  started: (row) => row.startedMs,
  left: (row) => row.deadlineMs,
  size: ({ sandbox: { cpuCount, memoryMB } }) =>
    cpuCount === null && memoryMB === null ? null : (cpuCount ?? 0) * CPU_WEIGHT + (memoryMB ?? 0),
} satisfies Record<Exclude<FixedKey, keyof typeof TEXT_COLUMNS | 'id'>, NumberColumn>;

/** Sorts sizes by vCPUs, then memory: one vCPU outweighs any memory. */
const CPU_WEIGHT = 2 ** 30;

/** A fixed locale, so that the server and every browser agree. Numeric: `pr-9` is before `pr-10`. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

/** The text of a sort in the URL, such as `age` or `-age`. */
export function printSort({ key, direction }: Sort): string {
  return direction === 'desc' ? `-${key}` : key;
}

/** Parses the output of `printSort`. `null` for an unknown column. */
export function parseSort(text: string): Sort | null {
  const descending = text.startsWith('-');
  const key = descending ? text.slice(1) : text;
  return isSortKey(key) ? { key, direction: descending ? 'desc' : 'asc' } : null;
}

/** Sorts rows into a new array, in the order of `compareBy` but faster. */
export function sortRows(rows: readonly IndexedSandbox[], { key, direction }: Sort): IndexedSandbox[] {
  if (key === 'id') return rows.toSorted(compareBy(key, direction));
  const column = isNumberKey(key) ? NUMBER_COLUMNS[key] : rankColumn(rows, textColumn(key));
  const sign = direction === 'asc' ? 1 : -1;
  // Computes each value once instead of in every comparison.
  const cells = rows.map((row) => ({ row, value: column(row) }));
  cells.sort((a, b) => compareCells(a.value, b.value, sign, compareNumbers) || compareIds(a.row, b.row));
  return cells.map((cell) => cell.row);
}

/** Compares two rows by a column. Rows without a value come last in both directions. Ties are sorted by id. */
export function compareBy(key: SortKey, direction: SortDirection): Compare {
  const sign = direction === 'asc' ? 1 : -1;
  if (key === 'id') return (a, b) => sign * compareIds(a, b);
  if (isNumberKey(key)) {
    const column: NumberColumn = NUMBER_COLUMNS[key];
    return (a, b) => compareCells(column(a), column(b), sign, compareNumbers) || compareIds(a, b);
  }
  const column = textColumn(key);
  return (a, b) => compareCells(column(a), column(b), sign, COLLATOR.compare) || compareIds(a, b);
}

function isSortKey(text: string): text is SortKey {
  return text.startsWith(METADATA_PREFIX) || FIXED_KEYS.some((key) => key === text);
}

function isNumberKey(key: SortKey): key is keyof typeof NUMBER_COLUMNS {
  return Object.hasOwn(NUMBER_COLUMNS, key);
}

function textColumn(key: SortKey): TextColumn {
  if (!key.startsWith(METADATA_PREFIX))
    return key === 'connection' ? TEXT_COLUMNS.connection : TEXT_COLUMNS.template;
  const name = key.slice(METADATA_PREFIX.length);
  return ({ sandbox: { metadata } }) => (Object.hasOwn(metadata, name) ? (metadata[name] ?? null) : null);
}

/** Collates each distinct text once and maps rows to its rank, so that they can be sorted by numbers. */
function rankColumn(rows: readonly IndexedSandbox[], column: TextColumn): NumberColumn {
  const ranks = new Map<string, number>();
  for (const row of rows) {
    const text = column(row);
    if (text !== null) ranks.set(text, 0);
  }
  let previous: string | null = null;
  let rank = 0;
  for (const text of [...ranks.keys()].sort(COLLATOR.compare)) {
    if (previous !== null && COLLATOR.compare(previous, text) !== 0) rank += 1;
    ranks.set(text, rank);
    previous = text;
  }
  return (row) => {
    const text = column(row);
    return text === null ? null : (ranks.get(text) ?? null);
  };
}

function compareCells<T>(a: T | null, b: T | null, sign: number, compare: (a: T, b: T) => number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return sign * compare(a, b);
}

function compareNumbers(a: number, b: number): number {
  return a - b;
}

/** Ids are unique within a connection only. */
function compareIds(a: IndexedSandbox, b: IndexedSandbox): number {
  return compareCodes(a.sandbox.id, b.sandbox.id) || compareCodes(a.sandbox.key, b.sandbox.key);
}

/** Compares code units, because ids are ASCII. A collator takes ten times as long. */
function compareCodes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
