/** Character offsets into the filter text, `to` exclusive. */
export type Span = { readonly from: number; readonly to: number };

/** One character of a term after unquoting. An empty pair of quotes leaves one quoted atom with an empty `char`. */
export type Atom = { readonly char: string; readonly quoted: boolean; readonly at: number };

/** A syntax error with a message for people. Thrown while parsing a term and caught by `parseTerms`. */
export class FilterProblem extends Error {
  override readonly name = 'FilterProblem';

  constructor(
    message: string,
    readonly span: Span,
  ) {
    super(message);
  }
}

const WHITESPACE = /\s/;
const NAMED_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const CODE_POINT_ESCAPE = /\\u\{([0-9a-f]{1,6})\}/iy;
const LAST_CODE_POINT = 0x10ffff;

/** The positions of the terms, which are separated by white space outside quotes. */
export function scanTerms(text: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  while (at < text.length) {
    if (WHITESPACE.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const to = endOfTerm(text, at);
    spans.push({ from: at, to });
    at = to;
  }
  return spans;
}

function endOfTerm(text: string, from: number): number {
  let quoted = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') quoted = !quoted;
    else if (quoted && char === '\\') at += 1;
    else if (!quoted && WHITESPACE.test(char)) return at;
  }
  return text.length;
}

/**
 * The characters of a term with quotes and escapes resolved. As in a shell, quotes may start and end anywhere in a term.
 * Quoted characters are never operators, commas or wildcards.
 *
 * @throws FilterProblem for an unclosed quote or an unknown escape.
 */
function readAtoms(text: string, span: Span): Atom[] {
  const atoms: Atom[] = [];
  let at = span.from;
  while (at < span.to) {
    if (text.charAt(at) === '"') {
      at = readQuoted(text, { from: at, to: span.to }, atoms);
    } else {
      atoms.push({ char: text.charAt(at), quoted: false, at });
      at += 1;
    }
  }
  return atoms;
}

/** Reads from the opening quote at `span.from`. Returns the offset after the closing quote. */
function readQuoted(text: string, span: Span, atoms: Atom[]): number {
  const before = atoms.length;
  let at = span.from + 1;
  while (at < span.to) {
    const char = text.charAt(at);
    if (char === '"') {
      if (atoms.length === before) atoms.push({ char: '', quoted: true, at: span.from });
      return at + 1;
    }
    const piece = char === '\\' ? readEscape(text, at, span.to) : { char, length: 1 };
    atoms.push({ char: piece.char, quoted: true, at });
    at += piece.length;
  }
  throw new FilterProblem('This quote is not closed. Add " at the end.', span);
}

function readEscape(text: string, at: number, end: number): { char: string; length: number } {
  const named = NAMED_ESCAPES.get(text.charAt(at + 1));
  if (named !== undefined) return { char: named, length: 2 };
  CODE_POINT_ESCAPE.lastIndex = at;
  const [written, digits = ''] = CODE_POINT_ESCAPE.exec(text) ?? [];
  const codePoint = Number.parseInt(digits, 16);
  if (written !== undefined && codePoint <= LAST_CODE_POINT) {
    return { char: String.fromCodePoint(codePoint), length: written.length };
  }
  throw new FilterProblem('Inside quotes, write \\\\ for a backslash and \\" for a quote.', {
    from: at,
    to: Math.min(at + 2, end),
  });
}

const OPERATORS = ['!=', '>=', '<=', '>', '<', '=', ':'] as const;
export type Operator = (typeof OPERATORS)[number];

/** Consecutive atoms and their position. */
export type Piece = { readonly atoms: readonly Atom[]; readonly span: Span };

/** The parts of a possibly unfinished term. Without an operator, the whole word is the `value`. */
export type TermHead = {
  readonly negated: boolean;
  readonly name: Piece;
  readonly operator: Operator | null;
  readonly value: Piece;
};

/**
 * Splits a term without validating it. Suggestions use it for unfinished terms.
 *
 * @throws FilterProblem like `readAtoms`.
 */
export function readHead(text: string, span: Span): TermHead {
  const atoms = readAtoms(text, span);
  const bangs = countBangs(atoms);
  const negated = bangs % 2 === 1;
  const start = span.from + bangs;
  const found = findOperator(atoms, bangs);
  if (found === null) {
    const name = { atoms: [], span: { from: start, to: start } };
    return {
      negated,
      name,
      operator: null,
      value: { atoms: atoms.slice(bangs), span: { from: start, to: span.to } },
    };
  }
  const { index, at, operator } = found;
  return {
    negated: operator === '!=' ? !negated : negated,
    name: { atoms: atoms.slice(bangs, index), span: { from: start, to: at } },
    operator,
    value: { atoms: atoms.slice(index + operator.length), span: { from: at + operator.length, to: span.to } },
  };
}

/** The number of `!` before the term, not counting the one of `!=`. */
function countBangs(atoms: readonly Atom[]): number {
  let count = 0;
  while (isBare(atoms[count], '!') && !isBare(atoms[count + 1], '=')) count += 1;
  return count;
}

function findOperator(
  atoms: readonly Atom[],
  start: number,
): { index: number; at: number; operator: Operator } | null {
  for (const [offset, atom] of atoms.slice(start).entries()) {
    const index = start + offset;
    const operator = OPERATORS.find(
      ([first = '', second]) =>
        isBare(atom, first) && (second === undefined || isBare(atoms[index + 1], second)),
    );
    if (operator !== undefined) return { index, at: atom.at, operator };
  }
  return null;
}

/** Whether `atom` is this character outside quotes, where it has its special meaning. */
export function isBare(atom: Atom | undefined, char: string): boolean {
  return atom !== undefined && !atom.quoted && atom.char === char;
}

export function textOf(piece: Piece): string {
  return piece.atoms.map((atom) => atom.char).join('');
}

/** Splits a piece at the unquoted `separator`s. */
export function splitPiece(piece: Piece, separator: string): readonly [Piece, ...Piece[]] {
  const before: Piece[] = [];
  let atoms: Atom[] = [];
  let from = piece.span.from;
  for (const atom of piece.atoms) {
    if (isBare(atom, separator)) {
      before.push({ atoms, span: { from, to: atom.at } });
      atoms = [];
      from = atom.at + 1;
    } else {
      atoms.push(atom);
    }
  }
  const last = { atoms, span: { from, to: piece.span.to } };
  const [first, ...others] = before;
  return first === undefined ? [last] : [first, ...others, last];
}
