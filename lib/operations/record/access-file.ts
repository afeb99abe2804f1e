import type { AccessPage } from '../../access/audit';
import type { AccessEntry } from '../../access/audit-schema';
import type { RecordCursor } from '../../record-search';
import { idOf } from '../../sandbox-key';
import { csvLine } from './record-file';

/** Makes spreadsheets read the file as UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';

const COLUMNS: readonly { title: string; read: (entry: AccessEntry) => string }[] = [
  { title: 'at', read: ({ atMs }) => new Date(atMs).toISOString() },
  { title: 'person', read: ({ actor }) => actor ?? '' },
  { title: 'action', read: ({ kind }) => kind },
  { title: 'connection', read: ({ connection }) => connection ?? '' },
  { title: 'sandbox', read: ({ sandboxKey }) => (sandboxKey === null ? '' : idOf(sandboxKey)) },
  { title: 'path', read: ({ path }) => path ?? '' },
  { title: 'details', read: ({ detail }) => detail ?? '' },
  { title: 'operation', read: ({ request }) => request ?? '' },
  { title: 'address', read: ({ address }) => address ?? '' },
  { title: 'browser', read: ({ userAgent }) => userAgent ?? '' },
  { title: 'session', read: ({ sessionId }) => sessionId?.slice(0, 8) ?? '' },
  { title: 'request', read: ({ requestId }) => requestId ?? '' },
];

/** CSV (RFC 4180), or an object of JSON per line. */
export const ACCESS_FORMATS = ['csv', 'jsonl'] as const;
export type AccessFormat = (typeof ACCESS_FORMATS)[number];

const LINE_OF = {
  csv: (entry) => csvLine(COLUMNS.map(({ read }) => read(entry))),
  jsonl: ({ atMs, sessionId, ...entry }) =>
    `${JSON.stringify({ at: new Date(atMs).toISOString(), ...entry, session: sessionId?.slice(0, 8) ?? null })}\n`,
} satisfies Record<AccessFormat, (entry: AccessEntry) => string>;

/** Yields entries of the access log, one line each, page by page. Of a session only the beginning of its id is in the file. */
export async function* accessFileParts(
  readPage: (before: RecordCursor | null) => Promise<AccessPage>,
  format: AccessFormat = 'csv',
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') yield `${BYTE_ORDER_MARK}${csvLine(COLUMNS.map(({ title }) => title))}`;
  for (let before: RecordCursor | null = null; ; ) {
    const { entries, older }: AccessPage = await readPage(before);
    if (entries.length > 0) yield entries.map(LINE_OF[format]).join('');
    if (older === null) return;
    before = older;
  }
}
