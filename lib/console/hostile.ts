import type { IParser } from '@xterm/xterm';

/** Guards against hostile terminal output and pastes. The output comes from the sandbox and is untrusted. */

const MAX_TITLE_CHARS = 80;
/** Control and format characters, including those that change the text direction. */
const NOT_IN_TITLES = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const NOT_IN_PASTES = /[\p{Cc}]/gu;

/** Reduces a title to one short line of plain text. */
export function plainTitle(title: string): string {
  return [...title.replace(NOT_IN_TITLES, '')].slice(0, MAX_TITLE_CHARS).join('').trim();
}

/** Removes control characters except tab and newline. An escape could end the bracketed paste and run the text. */
export function plainPaste(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(NOT_IN_PASTES, (char) => ('\t\n'.includes(char) ? char : ''));
}

/** The normalized address of a link; `null` unless it is http or https. */
export function webAddress(uri: string): string | null {
  if (!URL.canParse(uri)) return null;
  const url = new URL(uri);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  return isWeb ? url.href : null;
}

/** Whether `text` shows where a link leads. `address` is a result of `webAddress`. */
export function showsAddress(text: string, address: string): boolean {
  const { username, password } = new URL(address);
  // `https://bank.example@evil.example` looks like the former and leads to the latter.
  if (username !== '' || password !== '') return false;
  // Also false for names in other scripts, because `address` has their ASCII form.
  return text === address || `${text}/` === address;
}

/** Sequences that a terminal answers by sending input: its type, cursor position, modes and colours. */
const QUERIES = {
  csi: [
    { final: 'c' },
    { prefix: '>', final: 'c' },
    { prefix: '=', final: 'c' },
    { final: 'n' },
    { prefix: '?', final: 'n' },
    { intermediates: '$', final: 'p' },
    { prefix: '?', intermediates: '$', final: 'p' },
  ],
  dcs: [
    { intermediates: '$', final: 'q' },
    { intermediates: '+', final: 'q' },
  ],
  osc: [4, 10, 11, 12],
} as const;

const OSC_CLIPBOARD = 52;

/** Blocks access to the clipboard always, and queries while `isSilent`. */
export function guardParser(parser: IParser, isSilent: () => boolean): void {
  parser.registerOscHandler(OSC_CLIPBOARD, () => true);
  for (const id of QUERIES.csi) parser.registerCsiHandler(id, isSilent);
  for (const id of QUERIES.dcs) parser.registerDcsHandler(id, isSilent);
  for (const id of QUERIES.osc) parser.registerOscHandler(id, (data) => data.includes('?') && isSilent());
}

/** Whether this is a report that the terminal gained or lost focus. */
export function isFocusReport(text: string): boolean {
  return text === '\x1b[I' || text === '\x1b[O';
}
