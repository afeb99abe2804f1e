/** The displayed parts of a notebook. Its content is untrusted: outputs are only text or PNG and JPEG images. */
export type Notebook = { language: string | null; cells: NotebookCell[] };

export type NotebookCell = {
  kind: 'markdown' | 'code' | 'raw';
  source: string;
  /** The execution count; `null` if not run. */
  count: number | null;
  outputs: CellOutput[];
};

export type CellOutput =
  | { kind: 'text'; text: string; isError: boolean }
  /** `src`: a `data:` URL. */
  | { kind: 'image'; src: string }
  /** An output of a type that is not displayed, such as HTML. */
  | { kind: 'left-out'; what: string };

const MAX_IMAGE_CHARS = 8 * 1024 * 1024;
const MAX_OUTPUTS = 500;

/** Parses a notebook file. `null` if it is not a notebook. */
export function readNotebook(text: string): Notebook | null {
  const notebook = record(parsed(text));
  const cells = notebook?.cells;
  if (!notebook || !Array.isArray(cells)) return null;
  const metadata = record(notebook.metadata);
  const kernel = record(metadata?.kernelspec);
  const language = record(metadata?.language_info)?.name ?? kernel?.language ?? kernel?.name;
  return {
    language: typeof language === 'string' ? plainLanguage(language) : null,
    cells: cells.flatMap(cellOf),
  };
}

/** Without the version that names of kernels have: `python3`, `ipython3`, `julia-1.10`. */
function plainLanguage(name: string): string {
  return name
    .toLowerCase()
    .replace(/[-\d.]+$/, '')
    .replace(/^ipython$/, 'python')
    .replace(/^ir$/, 'r');
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
    const message = `${textOf(output.ename)}: ${textOf(output.evalue)}`;
    return [{ kind: 'text', text: plain(traceback || message), isError: true }];
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

const SIGNATURES = { 'image/png': 'iVBORw0KGgo', 'image/jpeg': '/9j/' } as const;

/** A `data:` URL of a valid image, or `null`. */
function imageOf(type: keyof typeof SIGNATURES, base64: string): string | null {
  if (base64.length > MAX_IMAGE_CHARS) return null;
  const data = base64.replaceAll(/\s+/g, '');
  if (!data.startsWith(SIGNATURES[type]) || !/^[A-Za-z0-9+/]+={0,2}$/.test(data)) return null;
  return `data:${type};base64,${data}`;
}

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

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences start with ESC.
  return text.replaceAll(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])/g, '');
}

/** Notebooks store text as a string or a list of lines. */
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
