import type { IndexedSandbox } from '../row-index';
import type { Comparison, Filter, NonEmpty, Pattern, Term } from './filter';
import type { ComparedField } from './units';

/** Whether a row matches at `nowMs`, epoch ms on the server's clock. */
export type FilterTest = (row: IndexedSandbox, nowMs: number) => boolean;

type TextTest = (text: string) => boolean;

/** Compiles a filter into a test of rows. */
export function compileFilter(filter: Filter): FilterTest {
  const tests = filter.map(compileTerm);
  return (row, nowMs) => {
    for (const test of tests) if (!test(row, nowMs)) return false;
    return true;
  };
}

function compileTerm(term: Term): FilterTest {
  const test = compilePositive(term);
  return term.negated ? (row, nowMs) => !test(row, nowMs) : test;
}

function compilePositive(term: Term): FilterTest {
  switch (term.kind) {
    case 'text': {
      const text = term.text.toLowerCase();
      return (row) => row.searchText.includes(text);
    }
    case 'has':
      return compileHas(term.patterns);
    case 'metadata':
      return compileMetadata(term.key, term.patterns);
    case 'state':
      return (row) => term.states.includes(row.sandbox.state);
    case 'template': {
      const test = compilePatterns(term.patterns);
      return (row) => test(row.templateName) || test(row.sandbox.templateId);
    }
    case 'connection': {
      const test = compilePatterns(term.patterns);
      return ({ connection }) => test(connection);
    }
    case 'id':
      return compileIds(term.patterns);
    case 'compare':
      return compileComparison(term.field, term.comparison, term.amount);
  }
}

/** Checks own properties only, because a key may be `constructor` or `__proto__`. */
function compileMetadata(key: string, patterns: NonEmpty<Pattern>): FilterTest {
  const test = compilePatterns(patterns);
  return ({ sandbox: { metadata } }) => {
    if (!Object.hasOwn(metadata, key)) return false;
    const value = metadata[key];
    return value !== undefined && test(value);
  };
}

function compileHas(patterns: NonEmpty<Pattern>): FilterTest {
  const [[key], ...others] = patterns;
  if (others.length === 0 && patterns[0].length === 1) {
    return (row) => Object.hasOwn(row.sandbox.metadata, key);
  }
  const test = compilePatterns(patterns);
  return (row) => Object.keys(row.sandbox.metadata).some(test);
}

/** Looks plain beginnings up by their length, because a filter may name hundreds of ids. */
function compileIds(patterns: NonEmpty<Pattern>): FilterTest {
  const byLength = new Map<number, Set<string>>();
  const others: Pattern[] = [];
  for (const pattern of patterns) {
    const [start, ...rest] = pattern;
    if (rest.length > 0) others.push(pattern);
    else byLength.set(start.length, (byLength.get(start.length) ?? new Set()).add(start));
  }
  const starts = [...byLength];
  const tests = others.map(([first, ...rest]) => compilePattern([first, ...rest, '']));
  return ({ sandbox: { id } }) =>
    starts.some(([length, ids]) => ids.has(id.slice(0, length))) || tests.some((test) => test(id));
}

const AMOUNTS = {
  age: ({ firstStartMs }, nowMs) => (firstStartMs === null ? null : nowMs - firstStartMs),
  up: ({ upSinceMs }, nowMs) => (upSinceMs === null ? null : nowMs - upSinceMs),
  left: (row, nowMs) => (row.deadlineMs === null ? null : row.deadlineMs - nowMs),
  cpu: (row) => row.sandbox.cpuCount,
  memory: (row) => row.sandbox.memoryMB,
} satisfies Record<ComparedField, (row: IndexedSandbox, nowMs: number) => number | null>;

const COMPARISONS = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '=': (a, b) => a === b,
} satisfies Record<Comparison, (a: number, b: number) => boolean>;

function compileComparison(field: ComparedField, comparison: Comparison, amount: number): FilterTest {
  const amountOf = AMOUNTS[field];
  const holds = COMPARISONS[comparison];
  return (row, nowMs) => {
    const actual = amountOf(row, nowMs);
    return actual !== null && holds(actual, amount);
  };
}

function compilePatterns([first, ...others]: NonEmpty<Pattern>): TextTest {
  const test = compilePattern(first);
  if (others.length === 0) return test;
  const tests = [test, ...others.map(compilePattern)];
  return (text) => tests.some((matches) => matches(text));
}

function compilePattern(pattern: Pattern): TextTest {
  const [head, ...rest] = pattern;
  const tail = rest.pop();
  if (tail === undefined) return (text) => text === head;
  return (text) => matchesPieces(text, head, rest, tail);
}

/** Takes the first match of each inner piece, which leaves the most room for the following ones. */
function matchesPieces(text: string, head: string, inner: readonly string[], tail: string): boolean {
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const piece of inner) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
