import type { SandboxState } from '../../sandbox/schema';
import type { ConnectionName } from '../../sandbox-key';
import { STATE_NAMES } from '../states';
import {
  FilterProblem,
  isBare,
  type Operator,
  type Piece,
  readHead,
  type Span,
  scanTerms,
  splitPiece,
  type TermHead,
  textOf,
} from './lexer';
import { COMPARED_FIELDS, type ComparedField, QUANTITIES, shown } from './units';

export type NonEmpty<T> = readonly [T, ...T[]];

/** The literal pieces between wildcards: `pr-*` is `['pr-', '']`. A value without a wildcard is one piece. */
export type Pattern = NonEmpty<string>;

export type Comparison = '<' | '<=' | '>' | '>=' | '=';

/**
 * One condition. `negated` inverts it: `!x` selects exactly the rows that `x` does not.
 *
 * - `text` `ana`: the id, the template, a metadata key or a metadata value contains it, in any case.
 * - `has` `has:team`: the metadata has one of these keys.
 * - `metadata` `owner=ana,li`, `run=pr-*`, `owner!=ana`: the key has exactly one of these values, in the same case. `!=`
 *   also selects rows without the key.
 * - `state` `state:running,paused`; `template` `template:base`: exactly the name or the id; `id` `id:i7k`: a prefix of the
 *   id; `connection` `connection:prod`: exactly its name.
 * - `compare` `age>2h`, `up>2h`, `left<10m`, `cpu>=4`, `memory=4GB`: `amount` is in ms, vCPUs or MB. `age` counts from the
 *   first start, `up` from the last start or resume. A paused sandbox is not up and has no time left: it never matches a
 *   comparison of `up` or `left`.
 */
export type Term =
  | { readonly kind: 'text'; readonly negated: boolean; readonly text: string }
  | {
      readonly kind: 'metadata';
      readonly negated: boolean;
      readonly key: string;
      readonly patterns: NonEmpty<Pattern>;
    }
  | { readonly kind: 'state'; readonly negated: boolean; readonly states: NonEmpty<SandboxState> }
  | {
      readonly kind: 'has' | 'template' | 'id' | 'connection';
      readonly negated: boolean;
      readonly patterns: NonEmpty<Pattern>;
    }
  | {
      readonly kind: 'compare';
      readonly negated: boolean;
      readonly field: ComparedField;
      readonly comparison: Comparison;
      readonly amount: number;
    };

/** All terms must match. An empty filter selects everything. */
export type Filter = readonly Term[];

/** `message` is for people. The offsets mark the invalid part of the text. */
export type FilterError = { readonly message: string; readonly from: number; readonly to: number };

export type ParsedTerm = Span &
  ({ readonly ok: true; readonly term: Term } | { readonly ok: false; readonly error: FilterError });

export type ParsedFilter =
  | { readonly ok: true; readonly filter: Filter }
  | { readonly ok: false; readonly filter: Filter; readonly error: FilterError };

/** The fields with a list after a colon. Without quotes, these names are never metadata keys. */
const LISTED_FIELDS = ['state', 'template', 'id', 'has', 'connection'] as const;
export type ListedField = (typeof LISTED_FIELDS)[number];

/**
 * Parses the filter language: terms separated by spaces, all of which must match.
 *
 * A plain word is free text and also matches metadata keys: `team` finds every sandbox with the key `team` and any other
 * mention. The meaning of a word does not depend on the fleet, so a shared filter means the same later. `has:team`
 * matches only the key. `!` inverts a term. Quoted text is literal, and a quoted key is always metadata: `"age"=5`.
 * Escapes inside quotes: `\"`, `\\`, `\n`, `\r`, `\t`, `\u{hex}`.
 *
 * Never throws. On failure, `filter` contains only the valid terms and selects too much. `filterInForce` decides what a
 * filter on screen selects.
 */
export function parseFilter(text: string): ParsedFilter {
  const filter: Term[] = [];
  let firstError: FilterError | null = null;
  for (const parsed of parseTerms(text)) {
    if (parsed.ok) filter.push(parsed.term);
    else firstError ??= parsed.error;
  }
  return firstError === null ? { ok: true, filter } : { ok: false, filter, error: firstError };
}

/** Parses each term separately, with its position. Never throws. */
export function parseTerms(text: string): ParsedTerm[] {
  return scanTerms(text).map((span) => {
    try {
      return { ...span, ok: true, term: parseTerm(text, span) };
    } catch (thrown) {
      if (!(thrown instanceof FilterProblem)) throw thrown;
      return { ...span, ok: false, error: { message: thrown.message, ...thrown.span } };
    }
  });
}

/** Whether the unquoted `name` is a field with a list. */
export function isListedField(name: string): name is ListedField {
  return LISTED_FIELDS.some((field) => field === name);
}

/** Whether the unquoted `name` is a field compared with an amount. */
export function isComparedField(name: string): name is ComparedField {
  return COMPARED_FIELDS.some((field) => field === name);
}

/** The term of a metadata chip or facet: the key has exactly this value. */
export function metadataTerm(key: string, value: string): Term {
  return { kind: 'metadata', negated: false, key, patterns: [[value]] };
}

/** The term of a facet: the sandbox is in this state. */
export function stateTerm(state: SandboxState): Term {
  return { kind: 'state', negated: false, states: [state] };
}

/** The term of a facet: the template's name or id is exactly this. */
export function templateTerm(template: string): Term {
  return { kind: 'template', negated: false, patterns: [[template]] };
}

/** The term of a facet and of the switcher: the sandbox is in one of these connections. */
export function connectionTerm(first: ConnectionName, ...others: ConnectionName[]): Term {
  return {
    kind: 'connection',
    negated: false,
    patterns: [[first], ...others.map((name): Pattern => [name])],
  };
}

/** The term `has:key`. */
export function presenceTerm(key: string): Term {
  return { kind: 'has', negated: false, patterns: [[key]] };
}

function parseTerm(text: string, span: Span): Term {
  const head = readHead(text, span);
  const { name, operator } = head;
  if (operator === null) return textTerm(head, span);
  if (name.atoms.length === 0) {
    throw new FilterProblem(
      `${operator} needs a name before it, as in owner=ana or age>2h. To search for ${operator} as text, put it in quotes.`,
      { from: span.from, to: head.value.span.from },
    );
  }
  rejectWildcard(name, '* works only in values. Put a name that contains * in quotes.');
  const field = isQuoted(name) ? '' : textOf(name);
  if (isComparedField(field)) return compareTerm(head, field, operator);
  if (isListedField(field)) return listedTerm(text, head, field, operator);
  return keyTerm(text, head, operator);
}

function isQuoted(piece: Piece): boolean {
  return piece.atoms.some((atom) => atom.quoted);
}

function rejectWildcard(piece: Piece, message: string): void {
  const wildcard = piece.atoms.find((atom) => isBare(atom, '*'));
  if (wildcard !== undefined) throw new FilterProblem(message, { from: wildcard.at, to: wildcard.at + 1 });
}

function textTerm({ negated, value }: TermHead, span: Span): Term {
  if (value.atoms.length === 0) throw new FilterProblem('! needs a term after it, as in !has:team.', span);
  rejectWildcard(value, '* works only in values, as in run=pr-*. A plain word matches anywhere without *.');
  return { kind: 'text', negated, text: textOf(value) };
}

const COMPARED_EXAMPLES = {
  age: '2h',
  up: '2h',
  left: '10m',
  cpu: '2',
  memory: '4GB',
} satisfies Record<ComparedField, string>;

function compareTerm(head: TermHead, field: ComparedField, operator: Operator): Term {
  const quantity = QUANTITIES[field];
  const comparison = operator === '!=' ? '=' : operator;
  if (comparison === ':' || (comparison === '=' && !quantity.equal)) {
    throw new FilterProblem(
      `Compare ${field} with > or <, as in ${field}>${COMPARED_EXAMPLES[field]}. Put a metadata key with this name in quotes.`,
      wholeOf(head),
    );
  }
  if (head.value.atoms.length === 0) {
    throw new FilterProblem(`${field}${operator} needs ${quantity.needs}.`, startOf(head));
  }
  const reading = quantity.read(textOf(head.value));
  if ('problem' in reading) throw new FilterProblem(reading.problem, head.value.span);
  return { kind: 'compare', negated: head.negated, field, comparison, amount: reading.amount };
}

const LISTED_NEEDS = {
  state: `one of ${STATE_NAMES.join(', ')}`,
  template: 'the name or ID of a template, as in template:base',
  id: 'the start of an ID, as in id:i7k',
  has: 'a metadata key, as in has:team',
  connection: 'the name of a connection, as in connection:prod',
} satisfies Record<ListedField, string>;

function listedTerm(text: string, head: TermHead, field: ListedField, operator: Operator): Term {
  const { negated } = head;
  if (operator !== ':' && operator !== '=' && operator !== '!=') {
    throw new FilterProblem(
      `${field} cannot be compared: ${field}: needs ${LISTED_NEEDS[field]}.`,
      startOf(head),
    );
  }
  const pieces = listOf(head, `${field}${operator} needs ${LISTED_NEEDS[field]}.`);
  if (field !== 'state') return { kind: field, negated, patterns: mapNonEmpty(pieces, patternOf) };
  return { kind: field, negated, states: mapNonEmpty(pieces, (piece) => stateOf(text, piece)) };
}

function keyTerm(text: string, head: TermHead, operator: Operator): Term {
  const name = shown(text.slice(head.name.span.from, head.name.span.to));
  if (operator !== '=' && operator !== '!=') {
    const fields = operator === ':' ? LISTED_FIELDS : COMPARED_FIELDS;
    throw new FilterProblem(
      `${operator} works with ${fields.join(', ')}. For metadata, write ${name}=…. Put text that contains ${operator} in quotes.`,
      startOf(head),
    );
  }
  const pieces = listOf(
    head,
    `${name}${operator} needs a value. For an empty value, write ${name}${operator}"".`,
  );
  const patterns = mapNonEmpty(pieces, patternOf);
  return { kind: 'metadata', negated: head.negated, key: textOf(head.name), patterns };
}

function listOf(head: TermHead, whenEmpty: string): NonEmpty<Piece> {
  if (head.value.atoms.length === 0) throw new FilterProblem(whenEmpty, startOf(head));
  const pieces = splitPiece(head.value, ',');
  const missing = pieces.find((piece) => piece.atoms.length === 0);
  if (missing === undefined) return pieces;
  const comma = Math.max(head.value.span.from, missing.span.from - 1);
  throw new FilterProblem(
    'A value is missing next to this comma. Put a value that contains a comma in quotes.',
    {
      from: comma,
      to: comma + 1,
    },
  );
}

function patternOf(piece: Piece): Pattern {
  return mapNonEmpty(splitPiece(piece, '*'), textOf);
}

/** Accepts any case, because the table shows "Paused". */
function stateOf(text: string, piece: Piece): SandboxState {
  const name = textOf(piece).toLowerCase();
  const state = STATE_NAMES.find((candidate) => candidate === name);
  if (state !== undefined) return state;
  const written = shown(text.slice(piece.span.from, piece.span.to));
  throw new FilterProblem(`${written} is not a state. States are ${STATE_NAMES.join(', ')}.`, piece.span);
}

/** The name and operator, marked if the value is missing. */
function startOf(head: TermHead): Span {
  return { from: head.name.span.from, to: head.value.span.from };
}

function wholeOf(head: TermHead): Span {
  return { from: head.name.span.from, to: head.value.span.to };
}

/** `Array.prototype.map` that keeps the type of a non-empty list. */
function mapNonEmpty<T, U>([first, ...rest]: NonEmpty<T>, map: (item: T) => U): NonEmpty<U> {
  return [map(first), ...rest.map(map)];
}
