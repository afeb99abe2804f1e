/** A notebook as far as it is shown. Everything in it is other people's: no output is ever more than text or pixels. */
export type Notebook = { language: string | null; cells: NotebookCell[] };

export type NotebookCell = {
  kind: 'markdown' | 'code' | 'raw';
  source: string;
  /** How often anything had been run when this was; `null`: it was not. */
  count: number | null;
  outputs: CellOutput[];
};

export type CellOutput =
  | { kind: 'text'; text: string; isError: boolean }
  /** `src`: a `data:` address of a PNG or JPEG. */
  | { kind: 'image'; src: string }
  /** There was something that is not shown, such as HTML, and nothing else to show instead. */
  | { kind: 'left-out'; what: string };

const LONGEST_IMAGE = 8 * 1024 * 1024;
const MAX_OUTPUTS = 500;

/** Reads a notebook from the text of its file; `null` where it is none. */
export function readNotebook(text: string): Notebook | null {
  const notebook = record(parsed(text));
  const cells = notebook?.cells;
  if (!notebook || !Array.isArray(cells)) return null;
  const metadata = record(notebook.metadata);
  const language = record(metadata?.language_info)?.name ?? record(metadata?.kernelspec)?.language;
  return { language: typeof language === 'string' ? language : null, cells: cells.flatMap(cellOf) };
}

function cellOf(value: unknown): NotebookCell[] {
  const cell = record(value);
  if (!cell) return [];
  const kind = cell.cell_type === 'markdown' || cell.cell_type === 'code' ? cell.cell_type : 'raw';
  const outputs = Array.isArray(cell.outputs) ? cell.outputs.slice(0, MAX_OUTPUTS) : [];
  return [
    {
      kind,
      source: textOf(cell.source),
      count: typeof cell.execution_count === 'number' ? cell.execution_count : null,
      outputs: joined(outputs.flatMap(outputOf)),
    },
  ];
}

function outputOf(value: unknown): CellOutput[] {
  const output = record(value);
  if (!output) return [];
  if (output.output_type === 'stream')
    return [{ kind: 'text', text: plain(textOf(output.text)), isError: output.name === 'stderr' }];
  if (output.output_type === 'error') {
    const traceback = Array.isArray(output.traceback) ? output.traceback.map(textOf).join('\n') : '';
    const said = `${textOf(output.ename)}: ${textOf(output.evalue)}`;
    return [{ kind: 'text', text: plain(traceback || said), isError: true }];
  }
  const data = record(output.data) ?? {};
  for (const type of ['image/png', 'image/jpeg'] as const) {
    const src = imageOf(type, textOf(data[type]));
    if (src !== null) return [{ kind: 'image', src }];
  }
  const text = textOf(data['text/plain']);
  if (text !== '') return [{ kind: 'text', text: plain(text), isError: false }];
  const [what] = Object.keys(data);
  return what === undefined ? [] : [{ kind: 'left-out', what }];
}

const BEGINS = { 'image/png': 'iVBORw0KGgo', 'image/jpeg': '/9j/' } as const;

/** An address that can be nothing but pixels, or `null`. */
function imageOf(type: keyof typeof BEGINS, base64: string): string | null {
  if (base64.length > LONGEST_IMAGE) return null;
  const data = base64.replaceAll(/\s+/g, '');
  if (!data.startsWith(BEGINS[type]) || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
  return `data:${type};base64,${data}`;
}

/** What was printed piece by piece is one text. */
function joined(outputs: readonly CellOutput[]): CellOutput[] {
  const all: CellOutput[] = [];
  let parts: string[] = [];
  for (const output of outputs) {
    const last = all.at(-1);
    if (output.kind === 'text' && last?.kind === 'text' && last.isError === output.isError) {
      parts.push(output.text);
      continue;
    }
    if (last?.kind === 'text') last.text = parts.join('');
    all.push(output.kind === 'text' ? { ...output } : output);
    parts = output.kind === 'text' ? [output.text] : [];
  }
  const last = all.at(-1);
  if (last?.kind === 'text') last.text = parts.join('');
  return all;
}

/** A text without the sequences with which terminals are told of colours and places. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape is what these begin with.
  return text.replaceAll(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])/g, '');
}

/** Notebooks keep texts as one or as their lines. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.filter((part) => typeof part === 'string').join('') : '';
}

function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
