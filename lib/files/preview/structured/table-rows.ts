import Papa from 'papaparse';

/** A table of texts. Rows may be longer or shorter than others. */
export type TableText = {
  /** The first row. */
  header: readonly string[];
  rows: readonly (readonly string[])[];
  /** How many columns the longest row has; more than `MAX_COLUMNS` are not kept. */
  columns: number;
  delimiter: string;
  /** There are more rows than are shown. */
  isCut: boolean;
  /** What is wrong with it in the first place that is not as it should be. */
  problem: { row: number; message: string } | null;
};

export const MAX_COLUMNS = 2_000;
export const MAX_ROWS = 500_000;
/** What is parsed before others have their turn, characters. */
const PART = 256 * 1024;
/** A row that does not end is begun anew with each part of it, so that is done so often only. */
const MAX_PARTS_OF_ROW = 16;

const DELIMITERS = [',', '\t', ';', '|'];

/** Reads a table from its text: CSV, or what `delimiter` parts. A part at a time, so that a page stays usable. */
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
          // The first row is the head.
          if (rows.length <= MAX_ROWS) rows.push(row.length > MAX_COLUMNS ? row.slice(0, MAX_COLUMNS) : row);
          else isCut = true;
        }
        partsOfRow = data.length === 0 ? partsOfRow + 1 : 0;
        if (partsOfRow > MAX_PARTS_OF_ROW) {
          isCut = true;
          problem ??= { row: rows.length + 1, message: 'This row is too long' };
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
