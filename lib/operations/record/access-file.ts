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
];

/** Yields entries of the access log as CSV (RFC 4180), one row each, page by page. */
export async function* accessFileParts(
  readPage: (before: RecordCursor | null) => Promise<AccessPage>,
): AsyncGenerator<string, void, undefined> {
  yield `${BYTE_ORDER_MARK}${csvLine(COLUMNS.map(({ title }) => title))}`;
  for (let before: RecordCursor | null = null; ; ) {
    const { entries, older }: AccessPage = await readPage(before);
    if (entries.length > 0)
      yield entries.map((entry) => csvLine(COLUMNS.map(({ read }) => read(entry)))).join('');
    if (older === null) return;
    before = older;
  }
}
