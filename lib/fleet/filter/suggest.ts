import { STATE_NAMES } from '../states';
import { type FacetCounts, type MetadataKey, metadataKeysOf, rankValues } from './facets';
import { isComparedField, isListedField, parseTerms, type Term } from './filter';
import {
  FilterProblem,
  type Piece,
  readHead,
  type Span,
  scanTerms,
  splitPiece,
  type TermHead,
  textOf,
} from './lexer';
import { printKey, printTerm, printValue } from './print';
import type { ComparedField } from './units';

/** The part of a term that a suggestion completes. `presence` is a whole `has:` term. */
export type SuggestionKind = 'key' | 'field' | 'presence' | 'value' | 'amount';

export type Suggestion = {
  /** The resulting term, such as `owner=ana`. */
  readonly label: string;
  /** The resulting filter text. `caret` is an offset into it. */
  readonly insert: string;
  readonly caret: number;
  readonly kind: SuggestionKind;
  /** The number of rows that have it, if counted. */
  readonly count?: number;
};

type Candidate = {
  readonly term: string;
  /** The text that must contain the typed text. */
  readonly match: string;
  readonly kind: SuggestionKind;
  readonly count?: number;
};

/** Whether the kind needs more text after it. The caret then stays directly behind it. */
const IS_OPEN = {
  key: true,
  field: true,
  presence: false,
  value: false,
  amount: false,
} satisfies Record<SuggestionKind, boolean>;

const NOTHING: ReadonlyMap<string, number> = new Map();
const DEFAULT_LIMIT = 10;
/** The maximum number of keys shown before the fields while nothing is typed. */
const KEYS_BEFORE_FIELDS = 5;
/** Values of keys with more distinct values are suggested only after the key is typed. */
const MAX_KNOWN_VALUES = 200;

/** Offered only if there are several connections to choose from. */
const CONNECTION_START = 'connection:';
const LISTED_STARTS = ['state:', 'template:', 'has:', 'id:', CONNECTION_START] as const;
const STARTS = [
  'state:',
  'age>',
  'left<',
  'template:',
  'has:',
  'cpu>=',
  'memory>=',
  'up>',
  'age<',
  'left>',
  'id:',
  CONNECTION_START,
] as const;

const AMOUNTS = {
  age: { common: ['30m', '1h', '2h', '6h', '12h', '1d', '1w'], units: ['m', 'h', 'd'] },
  up: { common: ['30m', '1h', '2h', '6h', '12h', '1d'], units: ['m', 'h', 'd'] },
  left: { common: ['1m', '5m', '10m', '30m', '1h'], units: ['m', 'h', 's'] },
  cpu: { common: ['1', '2', '4', '8'], units: [] },
  memory: { common: ['512MB', '1GB', '2GB', '4GB', '8GB'], units: ['GB', 'MB'] },
} satisfies Record<ComparedField, { common: readonly string[]; units: readonly string[] }>;

/**
 * Suggestions at the caret, best first: those that start with the typed text, then those that contain it, in any case.
 * Omits terms that the filter already contains. `counts` are the counts of the rows to choose from.
 */
export function suggest(
  text: string,
  caret: number,
  counts: FacetCounts,
  limit = DEFAULT_LIMIT,
): Suggestion[] {
  const span = termAt(text, caret);
  const head = readTyped(text.slice(span.from, caret));
  if (head === null) return [];
  const others = parseTerms(text)
    .filter(({ from, to }) => from !== span.from || to !== span.to)
    .flatMap((parsed) => (parsed.ok ? [parsed.term] : []));
  const { candidates, typed } = candidatesFor(text.slice(span.from, caret), head, counts, others);
  const said = new Set(others.map(printTerm));
  const suggestions: Suggestion[] = [];
  for (const candidate of matching(candidates, typed)) {
    if (suggestions.length >= limit) break;
    if (!isSaid(candidate, said)) suggestions.push(suggestionOf(text, span, candidate));
  }
  return suggestions;
}

/** The term at the caret, or an empty one between terms. */
function termAt(text: string, caret: number): Span {
  return scanTerms(text).find(({ from, to }) => from < caret && caret <= to) ?? { from: caret, to: caret };
}

/** Treats an open quote as closed at the caret. */
function readTyped(typed: string): TermHead | null {
  for (const text of [typed, `${typed}"`]) {
    try {
      return readHead(text, { from: 0, to: text.length });
    } catch (thrown) {
      if (!(thrown instanceof FilterProblem)) throw thrown;
    }
  }
  return null;
}

function candidatesFor(
  written: string,
  head: TermHead,
  counts: FacetCounts,
  others: readonly Term[],
): { candidates: Candidate[]; typed: string } {
  if (head.operator === null) {
    const typed = textOf(head.value);
    const candidates = typed === '' ? startOfEmpty(head, counts, others) : startOfWord(head, counts);
    return { candidates, typed };
  }
  const { earlier, last } = lastOf(splitPiece(head.value, ','));
  const base = written.slice(0, last.span.from);
  const taken = new Set(earlier.map(textOf));
  const candidates = valuesFor(head, textOf(last), counts)
    .filter(({ value }) => !taken.has(value))
    .map(({ value, kind, count }) => ({
      term: `${base}${kind === 'amount' ? value : printValue(value)}`,
      match: value,
      kind,
      count,
    }));
  return { candidates, typed: textOf(last) };
}

function lastOf(pieces: readonly [Piece, ...Piece[]]): { earlier: Piece[]; last: Piece } {
  const earlier = [...pieces];
  return { last: earlier.pop() ?? pieces[0], earlier };
}

type ValueCandidate = { value: string; kind: 'value' | 'amount'; count?: number };

function valuesFor({ name, operator }: TermHead, typed: string, counts: FacetCounts): ValueCandidate[] {
  const isQuoted = name.atoms.some((atom) => atom.quoted);
  const field = isQuoted ? '' : textOf(name);
  if (isComparedField(field)) return operator === ':' ? [] : amountsFor(field, typed);
  const isList = operator === ':' || operator === '=' || operator === '!=';
  if (!isList) return [];
  if (field === 'state') return stateValues(counts);
  if (field === 'template') return countedValues(rankValues(counts.templates));
  if (field === 'connection') return countedValues(rankValues(counts.connections));
  if (field === 'has') return countedValues(metadataKeysOf(counts).map(({ key, count }) => [key, count]));
  if (isListedField(field) || operator === ':') return [];
  return countedValues(rankValues(counts.metadata.get(textOf(name)) ?? NOTHING));
}

function countedValues(values: readonly (readonly [string, number])[]): ValueCandidate[] {
  return values.map(([value, count]) => ({ value, kind: 'value', count }));
}

/** Suggests `unknown` only if a sandbox has that state. */
function stateValues(counts: FacetCounts): ValueCandidate[] {
  const values = STATE_NAMES.map((state) => [state, counts.states.get(state) ?? 0] as const);
  return countedValues(values.filter(([state, count]) => state !== 'unknown' || count > 0));
}

/** Suggests a plain number with each unit, because it needs one. */
function amountsFor(field: ComparedField, typed: string): ValueCandidate[] {
  const { common, units } = AMOUNTS[field];
  const isNumber = /^\d+$/.test(typed);
  const completed = isNumber ? units.map((unit: string) => `${typed}${unit}`) : [];
  const values = new Set([...completed, ...common.filter((amount) => amount.startsWith(typed))]);
  return [...values].map((value) => ({ value, kind: 'amount' }));
}

/** Suggestions for an empty term: unused keys and fields. */
function startOfEmpty(head: TermHead, counts: FacetCounts, others: readonly Term[]): Candidate[] {
  const used = new Set(others.map(nameOf));
  const keys = metadataKeysOf(counts).filter(({ key }) => !used.has(`=${key}`));
  const fields = fieldCandidates(head, counts).filter(({ match }) => !used.has(match));
  const [first, later] = [keys.slice(0, KEYS_BEFORE_FIELDS), keys.slice(KEYS_BEFORE_FIELDS)];
  const presences = head.negated ? first.map((key) => presenceCandidate(head, key)) : [];
  return [
    ...first.map((key) => keyCandidate(head, key)),
    ...presences,
    ...fields,
    ...later.map((key) => keyCandidate(head, key)),
  ];
}

/** Suggestions for a word: keys, fields and values that match it. */
function startOfWord(head: TermHead, counts: FacetCounts): Candidate[] {
  const keys = metadataKeysOf(counts);
  return [
    ...keys.map((key) => keyCandidate(head, key)),
    ...fieldCandidates(head, counts),
    ...keys.map((key) => presenceCandidate(head, key)),
    ...knownValues(head, counts, keys),
  ];
}

function knownValues(head: TermHead, counts: FacetCounts, keys: readonly MetadataKey[]): Candidate[] {
  const bang = bangOf(head);
  const fromMetadata = keys
    .filter(({ distinct }) => distinct <= MAX_KNOWN_VALUES)
    .flatMap(({ key }) => {
      const base = `${printKey(key)}${head.negated ? '!=' : '='}`;
      return candidatesOf(base, countedValues([...(counts.metadata.get(key) ?? [])]));
    });
  const candidates = [
    ...candidatesOf(`${bang}state:`, stateValues(counts)),
    ...candidatesOf(`${bang}template:`, countedValues([...counts.templates])),
    ...(counts.connections.size > 1
      ? candidatesOf(`${bang}${CONNECTION_START}`, countedValues([...counts.connections]))
      : []),
    ...fromMetadata,
  ];
  return candidates.sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
}

function candidatesOf(base: string, values: readonly ValueCandidate[]): Candidate[] {
  return values.map(({ value, kind, count }) => ({
    term: `${base}${printValue(value)}`,
    match: value,
    kind,
    count,
  }));
}

function keyCandidate({ negated }: TermHead, { key, count }: MetadataKey): Candidate {
  return { term: `${printKey(key)}${negated ? '!=' : '='}`, match: key, kind: 'key', count };
}

function presenceCandidate(head: TermHead, { key, count }: MetadataKey): Candidate {
  return { term: `${bangOf(head)}has:${printValue(key)}`, match: key, kind: 'presence', count };
}

/** After `!`, only fields with lists: comparisons have inverse operators. */
function fieldCandidates(head: TermHead, { connections }: FacetCounts): Candidate[] {
  const starts: readonly string[] = head.negated ? LISTED_STARTS : STARTS;
  const offered = connections.size > 1 ? starts : starts.filter((start) => start !== CONNECTION_START);
  return offered.map((start) => ({
    term: `${bangOf(head)}${start}`,
    match: start.replace(/[^a-z]+$/, ''),
    kind: 'field',
  }));
}

function bangOf({ negated }: TermHead): string {
  return negated ? '!' : '';
}

/** Marks metadata keys, to distinguish a key `age` from the field. */
function nameOf(term: Term): string {
  if (term.kind === 'metadata') return `=${term.key}`;
  return term.kind === 'compare' ? term.field : term.kind;
}

/** Candidates that start with `typed`, then those that contain it, each in the given order. */
function* matching(candidates: readonly Candidate[], typed: string): Generator<Candidate> {
  const wanted = typed.toLowerCase();
  const later: Candidate[] = [];
  for (const candidate of candidates) {
    const at = wanted === '' ? 0 : candidate.match.toLowerCase().indexOf(wanted);
    if (at === 0) yield candidate;
    else if (at > 0) later.push(candidate);
  }
  yield* later;
}

function isSaid({ term, kind }: Candidate, said: ReadonlySet<string>): boolean {
  if (IS_OPEN[kind]) return false;
  const [parsed] = parseTerms(term);
  return parsed?.ok === true && said.has(printTerm(parsed.term));
}

/** Adds a space after a finished term to commit it, and separates an open one from the following text. */
function suggestionOf(text: string, { from, to }: Span, { term, kind, count }: Candidate): Suggestion {
  const before = text.slice(0, from);
  const after = text.slice(to);
  const isSpaced = /^\s/.test(after);
  const needsSpace = !isSpaced && (after !== '' || !IS_OPEN[kind]);
  const end = from + term.length;
  return {
    label: term,
    insert: `${before}${term}${needsSpace ? ' ' : ''}${after}`,
    caret: IS_OPEN[kind] ? end : end + 1,
    kind,
    ...(count === undefined ? {} : { count }),
  };
}
