import {
  type Filter,
  isComparedField,
  isListedField,
  type NonEmpty,
  type Pattern,
  type Term,
} from './filter';
import { QUANTITIES } from './units';

/**
 * Characters that are invisible or misleading in an input: controls, line breaks, lone surrogates, zero-width characters
 * and direction controls. Always escaped, because metadata is untrusted.
 */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/u;
const ESCAPED = new RegExp(`["\\\\]|${UNSAFE.source}`, 'gu');
const NOT_BARE_IN_VALUE = /[\s"\\,*]/;
const NOT_BARE_IN_NAME = /[\s"\\,*!=<>:]/;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** The inverse of `parseFilter`. */
export function printFilter(filter: Filter): string {
  return filter.map(printTerm).join(' ');
}

/** The canonical text of a term: quoted only if necessary. Equal terms have equal text. */
export function printTerm(term: Term): string {
  if (term.kind === 'metadata') {
    return `${printKey(term.key)}${term.negated ? '!=' : '='}${printPatterns(term.patterns)}`;
  }
  return `${term.negated ? '!' : ''}${printPositive(term)}`;
}

function printPositive(term: Exclude<Term, { kind: 'metadata' }>): string {
  switch (term.kind) {
    case 'text':
      return printName(term.text);
    case 'state':
      return `state:${term.states.join(',')}`;
    case 'compare':
      return `${term.field}${term.comparison}${QUANTITIES[term.field].print(term.amount)}`;
    case 'has':
    case 'template':
    case 'id':
    case 'connection':
      return `${term.kind}:${printPatterns(term.patterns)}`;
  }
}

/** The text of a metadata key, quoted if it would otherwise be a field. */
export function printKey(key: string): string {
  return isComparedField(key) || isListedField(key) ? quote(key) : printName(key);
}

export function printValue(value: string): string {
  return needsQuotes(value, NOT_BARE_IN_VALUE) ? quote(value) : value;
}

function printName(name: string): string {
  return needsQuotes(name, NOT_BARE_IN_NAME) ? quote(name) : name;
}

function printPatterns(patterns: NonEmpty<Pattern>): string {
  return patterns.map(printPattern).join(',');
}

/** Omits empty pieces next to wildcards: `pr-*`, not `pr-*""`. */
function printPattern(pattern: Pattern): string {
  return pattern.length === 1
    ? printValue(pattern[0])
    : pattern.map((piece) => (piece === '' ? '' : printValue(piece))).join('*');
}

function needsQuotes(text: string, notBare: RegExp): boolean {
  return text === '' || notBare.test(text) || UNSAFE.test(text);
}

function quote(text: string): string {
  return `"${text.replace(ESCAPED, (char) => SHORT_ESCAPES.get(char) ?? `\\u{${char.codePointAt(0)?.toString(16)}}`)}"`;
}
