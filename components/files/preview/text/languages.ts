import type { StreamParser } from '@codemirror/language';

type Load = () => Promise<StreamParser<unknown>>;

const mode =
  <T extends string>(load: () => Promise<{ [name in T]: StreamParser<unknown> }>, name: T): Load =>
  async () =>
    (await load())[name];

const clike = () => import('@codemirror/legacy-modes/mode/clike');
const css = () => import('@codemirror/legacy-modes/mode/css');
const javascript = () => import('@codemirror/legacy-modes/mode/javascript');
const sql = () => import('@codemirror/legacy-modes/mode/sql');
const xml = () => import('@codemirror/legacy-modes/mode/xml');

/** `extensions` and `files` are separated by spaces. The mode loads on demand. */
type Language = { name: string; extensions: string; files?: string; load: Load };

export const LANGUAGES: readonly Language[] = [
  {
    name: 'Python',
    extensions: 'py pyi pyw',
    files: 'sconstruct',
    load: mode(() => import('@codemirror/legacy-modes/mode/python'), 'python'),
  },
  { name: 'JavaScript', extensions: 'js mjs cjs jsx', load: mode(javascript, 'javascript') },
  { name: 'TypeScript', extensions: 'ts mts cts tsx', load: mode(javascript, 'typescript') },
  { name: 'JSON', extensions: 'json jsonl ndjson geojson ipynb', load: mode(javascript, 'json') },
  {
    name: 'Shell',
    extensions: 'sh bash zsh ksh env',
    files: '.bashrc .bash_profile .bash_history .profile .zshrc .env makefile',
    load: mode(() => import('@codemirror/legacy-modes/mode/shell'), 'shell'),
  },
  {
    name: 'YAML',
    extensions: 'yaml yml',
    load: mode(() => import('@codemirror/legacy-modes/mode/yaml'), 'yaml'),
  },
  {
    name: 'TOML',
    extensions: 'toml lock',
    load: mode(() => import('@codemirror/legacy-modes/mode/toml'), 'toml'),
  },
  {
    name: 'Properties',
    extensions: 'ini cfg conf properties',
    load: mode(() => import('@codemirror/legacy-modes/mode/properties'), 'properties'),
  },
  { name: 'HTML', extensions: 'html htm xhtml vue svelte', load: mode(xml, 'html') },
  { name: 'XML', extensions: 'xml svg xsd xsl plist', load: mode(xml, 'xml') },
  { name: 'CSS', extensions: 'css', load: mode(css, 'css') },
  { name: 'SCSS', extensions: 'scss sass', load: mode(css, 'sCSS') },
  { name: 'Less', extensions: 'less', load: mode(css, 'less') },
  { name: 'C', extensions: 'c h', load: mode(clike, 'c') },
  { name: 'C++', extensions: 'cc cpp cxx hpp hh', load: mode(clike, 'cpp') },
  { name: 'Java', extensions: 'java', load: mode(clike, 'java') },
  { name: 'C#', extensions: 'cs', load: mode(clike, 'csharp') },
  { name: 'Kotlin', extensions: 'kt kts', load: mode(clike, 'kotlin') },
  { name: 'Scala', extensions: 'scala', load: mode(clike, 'scala') },
  { name: 'Dart', extensions: 'dart', load: mode(clike, 'dart') },
  { name: 'Go', extensions: 'go', load: mode(() => import('@codemirror/legacy-modes/mode/go'), 'go') },
  { name: 'Rust', extensions: 'rs', load: mode(() => import('@codemirror/legacy-modes/mode/rust'), 'rust') },
  {
    name: 'Ruby',
    extensions: 'rb',
    files: 'gemfile rakefile',
    load: mode(() => import('@codemirror/legacy-modes/mode/ruby'), 'ruby'),
  },
  {
    name: 'Perl',
    extensions: 'pl pm',
    load: mode(() => import('@codemirror/legacy-modes/mode/perl'), 'perl'),
  },
  { name: 'Lua', extensions: 'lua', load: mode(() => import('@codemirror/legacy-modes/mode/lua'), 'lua') },
  { name: 'R', extensions: 'r rmd', load: mode(() => import('@codemirror/legacy-modes/mode/r'), 'r') },
  {
    name: 'Swift',
    extensions: 'swift',
    load: mode(() => import('@codemirror/legacy-modes/mode/swift'), 'swift'),
  },
  { name: 'SQL', extensions: 'sql', load: mode(sql, 'standardSQL') },
  {
    name: 'Diff',
    extensions: 'diff patch',
    load: mode(() => import('@codemirror/legacy-modes/mode/diff'), 'diff'),
  },
  {
    name: 'Dockerfile',
    extensions: 'dockerfile',
    files: 'dockerfile containerfile',
    load: mode(() => import('@codemirror/legacy-modes/mode/dockerfile'), 'dockerFile'),
  },
  {
    name: 'PowerShell',
    extensions: 'ps1 psm1',
    load: mode(() => import('@codemirror/legacy-modes/mode/powershell'), 'powerShell'),
  },
  {
    name: 'Protocol Buffers',
    extensions: 'proto',
    load: mode(() => import('@codemirror/legacy-modes/mode/protobuf'), 'protobuf'),
  },
  {
    name: 'LaTeX',
    extensions: 'tex sty',
    load: mode(() => import('@codemirror/legacy-modes/mode/stex'), 'stex'),
  },
  {
    name: 'CMake',
    extensions: 'cmake',
    files: 'cmakelists.txt',
    load: mode(() => import('@codemirror/legacy-modes/mode/cmake'), 'cmake'),
  },
];

const SHEBANGS: readonly (readonly [RegExp, string])[] = [
  [/python/, 'Python'],
  [/\b(?:ba|z|k|da)?sh\b/, 'Shell'],
  [/node|deno|bun/, 'JavaScript'],
  [/ruby/, 'Ruby'],
  [/perl/, 'Perl'],
];

/** The language by file name, or by the shebang line; `null` if unknown. */
export function languageOf(fileName: string, firstLine: string): Language | null {
  const name = fileName.toLowerCase();
  const extension = /\.([^.]+)$/.exec(name)?.[1] ?? '';
  const has = (words: string | undefined, word: string) => words?.split(' ').includes(word) ?? false;
  const byName = LANGUAGES.find(
    ({ files, extensions }) => has(files, name) || (extension !== '' && has(extensions, extension)),
  );
  if (byName || !firstLine.startsWith('#!')) return byName ?? null;
  const called = SHEBANGS.find(([pattern]) => pattern.test(firstLine))?.[1];
  return LANGUAGES.find((language) => language.name === called) ?? null;
}

/** The language by a name from a Markdown fence or a notebook. */
export function languageNamed(name: string): Language | null {
  const wanted = name.toLowerCase();
  return LANGUAGES.find((language) => language.name.toLowerCase() === wanted) ?? languageOf(`.${wanted}`, '');
}
