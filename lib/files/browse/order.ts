import type { Entry } from '../../sandbox/file';

export const ORDER_KEYS = ['name', 'size', 'time'] as const;
export type OrderKey = (typeof ORDER_KEYS)[number];
export type Order = { readonly key: OrderKey; readonly direction: 'asc' | 'desc' };

export const BY_NAME: Order = { key: 'name', direction: 'asc' };

const FIRST_DIRECTION = { name: 'asc', size: 'desc', time: 'desc' } satisfies Record<
  OrderKey,
  Order['direction']
>;

/** The order after a click on column `key`: reversed if it is the current one. */
export function nextOrder(order: Order, key: OrderKey): Order {
  if (order.key !== key) return { key, direction: FIRST_DIRECTION[key] };
  return { key, direction: order.direction === 'asc' ? 'desc' : 'asc' };
}

/** `size` or `-size`, for the address. */
export function printOrder({ key, direction }: Order): string {
  return direction === 'desc' ? `-${key}` : key;
}

/** Parses the output of `printOrder`. Defaults to the order by name. */
export function parseOrder(text: string | null): Order {
  const descending = text?.startsWith('-') ?? false;
  const key = ORDER_KEYS.find((known) => known === (descending ? text?.slice(1) : text));
  return key === undefined ? BY_NAME : { key, direction: descending ? 'desc' : 'asc' };
}

export function isFolder({ kind, leadsTo }: Pick<Entry, 'kind' | 'leadsTo'>): boolean {
  return kind === 'directory' || leadsTo === 'directory';
}

type Keyed = { entry: Entry; name: string; value: number };

/**
 * Sorts into a new array, stably. By name: folders first, case-insensitive, `shard-9` before `shard-10`. By size: entries
 * without a size come last in both directions.
 */
export function sortEntries(entries: readonly Entry[], { key, direction }: Order): Entry[] {
  const sign = direction === 'asc' ? 1 : -1;
  const keyed = entries.map(
    (entry): Keyed => ({ entry, name: nameKey(entry.name), value: VALUES[key](entry) }),
  );
  if (key === 'name') keyed.sort((a, b) => a.value - b.value || sign * compareNames(a, b));
  else keyed.sort((a, b) => compareValues(a.value, b.value, sign) || compareNames(a, b));
  return keyed.map(({ entry }) => entry);
}

const VALUES = {
  name: (entry) => (isFolder(entry) ? 0 : 1),
  size: (entry) => sizeOf(entry) ?? Number.NaN,
  time: (entry) => entry.modifiedAtMs,
} satisfies Record<OrderKey, (entry: Entry) => number>;

/** The size of a regular file, bytes. `null` for other kinds, whose size means nothing. */
export function sizeOf({ kind, sizeBytes }: Pick<Entry, 'kind' | 'sizeBytes'>): number | null {
  return kind === 'file' ? sizeBytes : null;
}

function compareValues(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}

function compareNames(a: Keyed, b: Keyed): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.entry.name < b.entry.name ? -1 : a.entry.name > b.entry.name ? 1 : 0;
}

const MARKS = /\p{M}/gu;
const NOT_ASCII = /[^\0-\x7f]/;
const DIGITS = /\d+/g;
const DIGIT = /\d/;
const MAX_DIGITS = 64;

/**
 * A key whose code units sort in name order: each number is prefixed with its digit count. Comparing keys is ten times
 * faster than collation, which matters for 50,000 names.
 */
function nameKey(name: string): string {
  let text = name.toLowerCase();
  if (NOT_ASCII.test(text)) text = text.normalize('NFD').replace(MARKS, '');
  if (!DIGIT.test(text)) return text;
  return text.replace(DIGITS, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, '');
    return String.fromCharCode(48 + Math.min(number.length, MAX_DIGITS)) + number;
  });
}
