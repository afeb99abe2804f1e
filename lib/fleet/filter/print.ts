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
 * Characters that would vanish or mislead in a one-line input: controls, line breaks, lone surrogates, invisible
 * characters and those that turn the direction of writing. Metadata is hostile; these are always written as escapes.
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

/** The text of a filter: `parseFilter(printFilter(filter))` is the same filter. */
export function printFilter(filter: Filter): string {
  return filter.map(printTerm).join(' ');
}

/** The text of one term, quoted where it must be and in one way only, so equal terms print equally. */
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
      return `${term.kind}:${printPatterns(term.patterns)}`;
  }
}

/** A metadata key as the language writes it: in quotes where it would otherwise be read as a field. */
export function printKey(key: string): string {
  return isComparedField(key) || isListedField(key) ? quote(key) : printName(key);
}

/** A literal value as the language writes it. */
export function printValue(value: string): string {
  return needsQuotes(value, NOT_BARE_IN_VALUE) ? quote(value) : value;
}

function printName(name: string): string {
  return needsQuotes(name, NOT_BARE_IN_NAME) ? quote(name) : name;
}

function printPatterns(patterns: NonEmpty<Pattern>): string {
  return patterns.map(printPattern).join(',');
}

/** Between wildcards an empty piece is written as nothing: `pr-*`, not `pr-*""`. */
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
