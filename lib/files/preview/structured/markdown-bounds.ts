/** Beyond these a parser of Markdown takes time that grows with the square of the text, or a page of elements too deep for a browser. */
const MAX_NESTED = 60;
const MAX_MARKS = 2_000;
const LONGEST_LINE = 20_000;
const MAX_CELLS = 20_000;

/** Why a Markdown text is shown as its source rather than rendered, or `null`. */
export function renderRefusal(text: string): string | null {
  for (const line of lines(text)) {
    if (line.length > LONGEST_LINE) return 'It has a line that is too long to be rendered.';
    if (nesting(line) > MAX_NESTED) return 'It is nested too deep to be rendered.';
  }
  for (const paragraph of text.split(/\n[ \t]*\n/)) {
    if ((paragraph.match(MARKS)?.length ?? 0) > MAX_MARKS) return 'It is too tangled to be rendered.';
  }
  const sections = markdownSections(text);
  if (sections.some(({ length }) => length > LONGEST_SECTION))
    return 'It has a part that is too long to be rendered.';
  if (sections.some((section) => cellsIn(section) > MAX_CELLS))
    return 'It has a table that is too large to be rendered.';
  return null;
}

/** How many cells the tables of a section have at most: a row that is short is filled up to the columns of its head. */
function cellsIn(section: string): number {
  let cells = 0;
  let columns = 0;
  for (const line of lines(section)) {
    // Where a table ends is for the parser to say; at the latest it does where a line is blank.
    columns = line.trim() === '' ? 0 : Math.max(columns, line.split('|').length);
    if (columns > 1) cells += columns;
  }
  return cells;
}

const LONGEST_SECTION = 32 * 1024;
/** A section this long ends with its paragraph, or before the next heading. */
const LONG_ENOUGH = 4 * 1024;
/** One this long ends within a list, too. */
const TOO_LONG = 12 * 1024;
const MAX_DEFINITIONS = 4 * 1024;

/**
 * A Markdown text in sections that mean the same one by one, so that a long one is rendered as far as somebody reads.
 * Addresses that are defined at one place are known in each.
 */
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
    if (begins && (section.length >= TOO_LONG || (section.length >= LONG_ENOUGH && !isItem))) {
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

/** What opens and closes within a paragraph, and has to be matched with everything before. */
const MARKS = /[[\]*_~`<>!\\]/g;

function* lines(text: string): Generator<string> {
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end < 0 ? undefined : end);
    if (end < 0) return;
    start = end + 1;
  }
}

/** How deep a line stands: quotes and items that open in it, and how far it is indented. */
function nesting(line: string): number {
  const before = /^(?:[ \t]|>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t]))*/.exec(line)?.[0] ?? '';
  const opens = before.match(/>|[-+*]|\d+[.)]/g)?.length ?? 0;
  const indent = before.replaceAll('\t', '    ').length;
  return Math.max(opens, Math.floor(indent / 2) - 20);
}

/** The address that a link of others may lead to, or `null`: the web, and nothing that a browser would run or open. */
export function safeLink(href: string | undefined): string | null {
  if (href === undefined) return null;
  try {
    const url = new URL(href);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}
