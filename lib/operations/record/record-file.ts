import { paths } from '../../paths';
import { templateName } from '../../sandbox/name';
import { connectionOf, idOf } from '../../sandbox-key';
import { type Operation, type RecordedItem, totalsOf } from '../schema';

export const RECORD_FORMATS = ['csv', 'json'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

export const RECORD_CONTENT_TYPES = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
} satisfies Record<RecordFormat, string>;

export function parseRecordFormat(text: string | null): RecordFormat | null {
  return RECORD_FORMATS.find((format) => format === text) ?? null;
}

export type Column = { title: string; read: (item: RecordedItem) => string };

/** Limits the columns, because the creators of sandboxes control the number of keys. */
const MAX_KEY_COLUMNS = 64;
const LINE_END = '\r\n';
const CHUNK_ROWS = 500;

/**
 * Yields the results in chunks of text.
 *
 * - `json`: `{ "operation": Operation, "items": RecordedItem[] }`, complete. Times in epoch ms.
 * - `csv`: RFC 4180, one row per sandbox in plan order. Each metadata key is a column `metadata.KEY`, most frequent first;
 *   from the 65th on, keys share the column `more_metadata` as JSON. If files were archived, `saved_as` is the path of
 *   the archive relative to the archive directory. A cell that a spreadsheet would take for a formula starts with `'`.
 */
export function recordParts(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): Generator<string> {
  return format === 'csv' ? csvParts(operation, items) : jsonParts(operation, items);
}

export function recordText(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): string {
  return [...recordParts(format, operation, items)].join('');
}

export function recordAddress(format: RecordFormat, operationId: string): string {
  return `/api${paths.operation(operationId)}/items?format=${format}`;
}

/** A descriptive file name that is safe on every platform: `kill-145-2026-01-15T093104Z-ID.csv`. */
export function recordFileName(format: RecordFormat, { id, act, counts, createdAtMs }: Operation): string {
  const at = new Date(createdAtMs).toISOString().slice(0, 19).replaceAll(':', '');
  return `${act}-${totalsOf(counts).total}-${at}Z-${id.replace(/[^A-Za-z0-9_-]/g, '')}.${format}`;
}

function* jsonParts(operation: Operation, items: readonly RecordedItem[]): Generator<string> {
  yield `{\n  "operation": ${JSON.stringify(operation)},\n  "items": [`;
  for (let from = 0; from < items.length; from += CHUNK_ROWS) {
    const lines = items.slice(from, from + CHUNK_ROWS).map((item) => `    ${JSON.stringify(item)}`);
    yield `${from === 0 ? '' : ','}\n${lines.join(',\n')}`;
  }
  yield '\n  ]\n}\n';
}

function* csvParts(operation: Operation, items: readonly RecordedItem[]): Generator<string> {
  const columns = columnsFor(operation, items);
  yield csvLine(columns.map(({ title }) => title));
  for (let from = 0; from < items.length; from += CHUNK_ROWS) {
    const rows = items.slice(from, from + CHUNK_ROWS);
    yield rows.map((item) => csvLine(columns.map(({ read }) => read(item)))).join('');
  }
}

const ARCHIVE_COLUMNS: readonly Column[] = [
  { title: 'saved_as', read: ({ saved }) => saved?.name ?? '' },
  { title: 'saved_bytes', read: ({ saved }) => (saved ? String(saved.bytes) : '') },
  { title: 'saved_entries', read: ({ saved }) => (saved ? String(saved.entries) : '') },
  { title: 'saved_left_out', read: ({ saved }) => (saved ? String(saved.leftOut) : '') },
];

export function columnsFor(
  { id, act, actor, createdAtMs, params }: Operation,
  items: readonly RecordedItem[],
): Column[] {
  const keys = keysByFrequency(items);
  const rest = new Set(keys.slice(MAX_KEY_COLUMNS));
  const at = new Date(createdAtMs).toISOString();
  return [
    { title: 'operation', read: () => id },
    { title: 'act', read: () => act },
    { title: 'by', read: () => actor },
    { title: 'at', read: () => at },
    { title: 'connection', read: ({ sandboxKey }) => connectionOf(sandboxKey) },
    { title: 'sandbox', read: ({ sandboxKey }) => idOf(sandboxKey) },
    { title: 'outcome', read: ({ outcome }) => outcome },
    { title: 'detail', read: ({ message }) => message ?? '' },
    { title: 'took_ms', read: ({ tookMs }) => (tookMs === null ? '' : String(tookMs)) },
    ...(params.exportPath === undefined ? [] : ARCHIVE_COLUMNS),
    { title: 'template', read: ({ sandbox }) => templateName(sandbox) },
    { title: 'state_then', read: ({ sandbox }) => sandbox.state },
    { title: 'started_at', read: ({ sandbox }) => isoTime(sandbox.startedAtMs) },
    ...keys.slice(0, MAX_KEY_COLUMNS).map((key) => ({
      title: `metadata.${key}`,
      read: ({ sandbox: { metadata } }: RecordedItem) =>
        (Object.hasOwn(metadata, key) ? metadata[key] : undefined) ?? '',
    })),
    ...(rest.size === 0
      ? []
      : [{ title: 'more_metadata', read: ({ sandbox }: RecordedItem) => restOf(sandbox.metadata, rest) }]),
  ];
}

/** Empty for a missing or invalid time from the service. */
function isoTime(ms: number | null): string {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function keysByFrequency(items: readonly RecordedItem[]): string[] {
  const counts = new Map<string, number>();
  for (const { sandbox } of items) {
    for (const key of Object.keys(sandbox.metadata)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1)).map(([key]) => key);
}

function restOf(metadata: Readonly<Record<string, string>>, keys: ReadonlySet<string>): string {
  const pairs = Object.entries(metadata).filter(([key]) => keys.has(key));
  return pairs.length === 0 ? '' : JSON.stringify(Object.fromEntries(pairs));
}

/** A CSV row with its line end. Formulas are escaped. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',') + LINE_END;
}

/**
 * Start of a formula (OWASP, "CSV injection"), including full-width forms. Leading quotes match too, so that removing one
 * quote always restores the original text.
 */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

function csvCell(text: string): string {
  const escaped = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(escaped) || escaped !== escaped.trim()
    ? `"${escaped.replaceAll('"', '""')}"`
    : escaped;
}
