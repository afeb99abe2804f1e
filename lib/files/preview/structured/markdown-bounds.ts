/** Beyond these limits the Markdown parser takes quadratic time, or the elements nest too deep for a browser. */
const MAX_NESTED = 60;
const MAX_MARKS = 2_000;
const MAX_LINE_CHARS = 20_000;
const MAX_CELLS = 20_000;

/** Why the text cannot be rendered, or `null`. */
export function renderRefusal(text: string): string | null {
  for (const line of lines(text)) {
    if (line.length > MAX_LINE_CHARS) return 'A line is too long to render.';
    if (nesting(line) > MAX_NESTED) return 'The text is nested too deeply to render.';
  }
  for (const paragraph of text.split(/\n[ \t]*\n/)) {
    if ((paragraph.match(MARKS)?.length ?? 0) > MAX_MARKS) return 'A paragraph is too complex to render.';
  }
  const sections = markdownSections(text);
  if (sections.some(({ length }) => length > MAX_SECTION_CHARS)) return 'A section is too long to render.';
  if (sections.some((section) => cellsIn(section) > MAX_CELLS)) return 'A table is too large to render.';
  return null;
}

/** An upper bound of the table cells of a section. Short rows are filled to the width of the header. */
function cellsIn(section: string): number {
  let cells = 0;
  let columns = 0;
  for (const line of lines(section)) {
    // A blank line ends every table.
    columns = line.trim() === '' ? 0 : Math.max(columns, line.split('|').length);
    if (columns > 1) cells += columns;
  }
  return cells;
}

const MAX_SECTION_CHARS = 32 * 1024;
/** A section this long ends with its block. */
const BREAK_AFTER_CHARS = 4 * 1024;
/** A section this long ends even within a list. */
const FORCE_BREAK_CHARS = 12 * 1024;
const MAX_DEFINITIONS = 4 * 1024;

/** Splits a text into sections that render independently, so that a long text renders lazily. Each gets all link definitions. */
export function markdownSections(text: string): string[] {
  const sections: string[] = [];
  const definitions: string[] = [];
  let section = '';
  let fence = '';
  let isAfterBlank = true;
  for (const line of lines(text)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    const isBlank = line.trim() === '';
    const begins = fence === '' && isAfterBlank && /^\S/.test(line);
    const isItem = /^(?:[-+*]|\d{1,9}[.)])(?:\s|$)/.test(line);
    if (begins && (section.length >= FORCE_BREAK_CHARS || (section.length >= BREAK_AFTER_CHARS && !isItem))) {
      sections.push(section);
      section = '';
    }
    if (fence === '' && /^ {0,3}\[[^\]^][^\]]*\]:\s*\S/.test(line)) definitions.push(line);
    section += `${line}\n`;
    if (fence === '') fence = mark;
    else if (mark.startsWith(fence) && line.trim() === mark) fence = '';
    isAfterBlank = isBlank;
  }
  sections.push(section);
  const known = definitions.join('\n');
  if (definitions.length === 0 || sections.length === 1 || known.length > MAX_DEFINITIONS) return sections;
  return sections.map((each) => `${each}\n\n${known}\n`);
}

/** Inline delimiters, which the parser matches against all earlier ones. */
const MARKS = /[[\]*_~`<>!\\]/g;

function* lines(text: string): Generator<string> {
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? undefined : end);
    if (end < 0) return;
    start = end + 1;
  }
}

/** The nesting depth of a line by quotes, list items and indent. */
function nesting(line: string): number {
  const before = /^(?:[ \t]|>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*/.exec(line)?.[0] ?? '';
  const opens = before.match(/>|[-+*]|\d+[.)]/g)?.length ?? 0;
  const indent = before.replaceAll('\t', '    ').length;
  return Math.max(opens, Math.floor(indent / 2) - 20);
}

/** The address of an http or https link, or `null` for any other. */
export function safeLink(href: string | undefined): string | null {
  if (href === undefined) return null;
  try {
    const url = new URL(href);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}
