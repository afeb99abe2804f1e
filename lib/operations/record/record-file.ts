import { paths } from '../../paths';
import { templateName } from '../../sandbox/name';
import { type Operation, type RecordedItem, totalsOf } from '../schema';

/** What results can be taken away as. */
export const RECORD_FORMATS = ['csv', 'json'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

export const RECORD_CONTENT_TYPES = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
} satisfies Record<RecordFormat, string>;

/** The format in `text`, or `null`. */
export function parseRecordFormat(text: string | null): RecordFormat | null {
  return RECORD_FORMATS.find((format) => format === text) ?? null;
}

/** A column of the table; `read` answers its cell as text. */
export type Column = { title: string; read: (item: RecordedItem) => string };

/** More keys than this are no columns any more: anybody who creates sandboxes chooses how many there are. */
const MAX_KEY_COLUMNS = 64;
const LINE_END = '\r\n';
const CHUNK_ROWS = 500;

/**
 * The results as parts of a text, to be sent one after the other.
 *
 * - `json`: `{ "operation": Operation, "items": RecordedItem[] }`, the whole truth for programs. Times in epoch ms.
 * - `csv`: RFC 4180 for spreadsheets, a row per sandbox in the order of the plan. Each metadata key that occurs is a
 *   column `metadata.KEY`, the most frequent first, because people sort and pivot by them; from the 65th on, keys share
 *   the column `more_metadata` as JSON. Where files were to be saved first, `saved_as` names each archive from the export
 *   directory on. A cell that a spreadsheet would take for a formula begins with `'`.
 */
export function recordParts(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): Generator<string> {
  return format === 'csv' ? csvParts(operation, items) : jsonParts(operation, items);
}

/** The same as one text, for the clipboard. */
export function recordText(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
): string {
  return [...recordParts(format, operation, items)].join('');
}

/** Where the results of an operation can be downloaded. */
export function recordAddress(format: RecordFormat, operationId: string): string {
  return `/api${paths.operation(operationId)}/items?format=${format}`;
}

/** A file name that means something years later and is harmless everywhere: `kill-145-2026-01-15T093104Z-ID.csv`. */
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

/** Of operations that save files first. */
const SAVED_COLUMNS: readonly Column[] = [
  { title: 'saved_as', read: ({ saved }) => saved?.name ?? '' },
  { title: 'saved_bytes', read: ({ saved }) => (saved ? String(saved.bytes) : '') },
  { title: 'saved_entries', read: ({ saved }) => (saved ? String(saved.entries) : '') },
  { title: 'saved_left_out', read: ({ saved }) => (saved ? String(saved.leftOut) : '') },
];

/** The columns of every export, metadata last. */
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
    { title: 'sandbox', read: ({ sandboxId }) => sandboxId },
    { title: 'outcome', read: ({ outcome }) => outcome },
    { title: 'detail', read: ({ message }) => message ?? '' },
    { title: 'took_ms', read: ({ tookMs }) => (tookMs === null ? '' : String(tookMs)) },
    ...(params.exportPath === undefined ? [] : SAVED_COLUMNS),
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

/** Empty where the service said something that is no moment. */
function isoTime(ms: number): string {
  const date = new Date(ms);
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

/** A row, with its line end; cells that a spreadsheet would take for formulas are made harmless. */
export function csvLine(cells: readonly string[]): string {
  return cells.map(csvCell).join(',') + LINE_END;
}

/**
 * What spreadsheets take for the beginning of a formula (OWASP, "CSV injection"), full-width forms too. A text that has
 * quotes before it gets one more, so that taking one away always gives back what was there.
 */
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

function csvCell(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) || harmless !== harmless.trim()
    ? `"${harmless.replaceAll('"', '""')}"`
    : harmless;
}
