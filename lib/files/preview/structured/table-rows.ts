import Papa from 'papaparse';

/** A parsed table. Rows may differ in length. */
export type TableText = {
  /** The first row. */
  header: readonly string[];
  rows: readonly (readonly string[])[];
  /** The columns of the longest row. At most `MAX_COLUMNS` are kept. */
  columns: number;
  delimiter: string;
  isCut: boolean;
  problem: { row: number; message: string } | null;
};

export const MAX_COLUMNS = 2_000;
export const MAX_ROWS = 500_000;
/** Characters parsed before yielding to the page. */
const PART = 256 * 1024;
/** The parser restarts an unfinished row with each part, so the number of restarts is limited. */
const MAX_PARTS_OF_ROW = 16;

const DELIMITERS = [',', '\t', ';', '|'];

/** Parses CSV in parts, so that the page stays responsive. Detects the delimiter unless given. */
export function readTable(
  text: string,
  { delimiter, signal }: { delimiter?: string; signal?: AbortSignal } = {},
): Promise<TableText> {
  const rows: string[][] = [];
  let columns = 0;
  let isCut = false;
  let problem: TableText['problem'] = null;
  let partsOfRow = 0;
  let used = delimiter ?? ',';
  return new Promise((resolve, reject) => {
    const end = () => {
      const [header = [], ...rest] = rows;
      resolve({ header, rows: rest, columns, delimiter: used, isCut, problem });
    };
    Papa.parse<string[]>(text, {
      delimiter: delimiter ?? '',
      delimitersToGuess: DELIMITERS,
      skipEmptyLines: true,
      chunkSize: PART,
      chunk: ({ data, errors, meta }: Papa.ParseResult<string[]>, parser: Papa.Parser) => {
        used = meta.delimiter;
        const wrong = errors.find(({ type }) => type === 'Quotes');
        if (wrong && problem === null)
          problem = { row: rows.length + (wrong.row ?? 0) + 1, message: wrong.message };
        for (const row of data) {
          columns = Math.max(columns, row.length);
          // One more than MAX_ROWS, for the header.
          if (rows.length <= MAX_ROWS) rows.push(row.length > MAX_COLUMNS ? row.slice(0, MAX_COLUMNS) : row);
          else isCut = true;
        }
        partsOfRow = data.length === 0 ? partsOfRow + 1 : 0;
        if (partsOfRow > MAX_PARTS_OF_ROW) {
          isCut = true;
          problem ??= { row: rows.length + 1, message: 'the row is too long' };
        }
        if (signal?.aborted) {
          reject(signal.reason);
          parser.abort();
        } else if (isCut) parser.abort();
        else {
          parser.pause();
          setTimeout(() => parser.resume());
        }
      },
      complete: end,
    });
  });
}
