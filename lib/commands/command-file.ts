import { columnsFor, csvLine, type RecordFormat } from '../operations/record/record-file';
import type { Operation, RecordedItem } from '../operations/schema';
import type { SandboxKey } from '../sandbox-key';
import { type CommandRecord, outputAsText } from './schema';

type ReadCommands = (sandboxKeys: readonly SandboxKey[]) => Promise<ReadonlyMap<SandboxKey, CommandRecord>>;
type Column = { title: string; read: (run: CommandRecord | undefined) => string };

/** Limits how many outputs are in memory at once. */
const CHUNK_ROWS = 50;

const COLUMNS: readonly Column[] = [
  { title: 'ending', read: (run) => run?.ending ?? '' },
  { title: 'exit_code', read: (run) => textOf(run?.exitCode) },
  { title: 'signal', read: (run) => run?.signal ?? '' },
  { title: 'run_ms', read: (run) => textOf(run?.tookMs) },
  { title: 'stdout', read: (run) => (run ? outputAsText(run.stdout) : '') },
  { title: 'stderr', read: (run) => (run ? outputAsText(run.stderr) : '') },
  {
    title: 'left_out_bytes',
    read: (run) => textOf(run && run.stdout.leftOutBytes + run.stderr.leftOutBytes),
  },
];

/**
 * Like `recordParts`, with the ending and the kept output of the command in each sandbox. JSON items have `run`, a
 * `CommandRecord` or `null`.
 */
export async function* commandFileParts(
  format: RecordFormat,
  operation: Operation,
  items: readonly RecordedItem[],
  readCommands: ReadCommands,
): AsyncGenerator<string> {
  const common = columnsFor(operation, items);
  if (format === 'csv') yield csvLine([...common, ...COLUMNS].map(({ title }) => title));
  else yield `{\n  "operation": ${JSON.stringify(operation)},\n  "items": [`;
  for (let from = 0; from < items.length; from += CHUNK_ROWS) {
    const rows = items.slice(from, from + CHUNK_ROWS);
    const runs = await readCommands(rows.map(({ sandboxKey }) => sandboxKey));
    if (format === 'csv') {
      const cells = (item: RecordedItem) => [
        ...common.map(({ read }) => read(item)),
        ...COLUMNS.map(({ read }) => read(runs.get(item.sandboxKey))),
      ];
      yield rows.map((item) => csvLine(cells(item))).join('');
    } else {
      const lines = rows.map((item) => JSON.stringify({ ...item, run: runs.get(item.sandboxKey) ?? null }));
      yield `${from === 0 ? '' : ','}\n    ${lines.join(',\n    ')}`;
    }
  }
  if (format === 'json') yield '\n  ]\n}\n';
}

function textOf(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}
