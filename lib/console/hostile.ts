import type { IParser } from '@xterm/xterm';

/** What a terminal's output may not do. It is written by whatever runs in the sandbox: hostile. Runs anywhere. */

const MAX_TITLE_CHARS = 80;
/** Control characters, and those that turn the direction of text. */
const NOT_IN_TITLES = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
/** All but tab, line feed and carriage return. */
const NOT_IN_PASTES = /[\p{Cc}]/gu;

/** A title as one short line of text. */
export function plainTitle(title: string): string {
  return [...title.replace(NOT_IN_TITLES, '')].slice(0, MAX_TITLE_CHARS).join('').trim();
}

/** What may be pasted: text and its lines. An escape could end the bracket that keeps a shell from running it. */
export function plainPaste(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(NOT_IN_PASTES, (char) => ('\t\n'.includes(char) ? char : ''));
}

/** A link that may be offered at all: where exactly it leads. `null` for anything but http and https. */
export function webAddress(uri: string): string | null {
  if (!URL.canParse(uri)) return null;
  const url = new URL(uri);
  const isWeb = url.protocol === 'http:' || url.protocol === 'https:';
  return isWeb ? url.href : null;
}

/** Whether somebody who reads `text` knows that it leads to `address`, as `webAddress` answered it. */
export function saysWhere(text: string, address: string): boolean {
  const { username, password } = new URL(address);
  // `https://bank.example@evil.example` reads as the one and leads to the other.
  if (username !== '' || password !== '') return false;
  // Written with other letters than it is looked up by, as names in other scripts are.
  return text === address || `${text}/` === address;
}

/** Questions to which a terminal would answer by typing: what it is, where its cursor is, what its colours are. */
const QUESTIONS = {
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

/** Keeps output from the clipboard, and from asking anything while `isSilent`. */
export function guardParser(parser: IParser, isSilent: () => boolean): void {
  parser.registerOscHandler(OSC_CLIPBOARD, () => true);
  for (const id of QUESTIONS.csi) parser.registerCsiHandler(id, isSilent);
  for (const id of QUESTIONS.dcs) parser.registerDcsHandler(id, isSilent);
  for (const id of QUESTIONS.osc) parser.registerOscHandler(id, (data) => data.includes('?') && isSilent());
}

/** Whether a terminal says this by itself when it gains or loses the focus, or is asked to say so from now on. */
export function isFocusReport(text: string): boolean {
  return text === '\x1b[I' || text === '\x1b[O';
}
