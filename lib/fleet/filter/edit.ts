import { type Filter, type NonEmpty, type ParsedTerm, type Pattern, parseTerms, type Term } from './filter';
import { printTerm } from './print';

/** A finished term, as typed and as parsed. */
export type Chip = { readonly text: string; readonly term: Term };

/** `draft` is the text being typed. It starts at the offset `draftFrom` of the whole text. */
export type ChipSplit = {
  readonly committed: readonly Chip[];
  readonly draft: string;
  readonly draftFrom: number;
};

/**
 * Splits a filter into chips and a draft. A space after a term commits it. Everything from the first invalid term on is
 * draft, so that it can be corrected. Append a space to a filter from a URL to commit its last term.
 */
export function splitForChips(text: string): ChipSplit {
  const committed: Chip[] = [];
  let draftFrom = startOfTerm(text, 0);
  for (const parsed of parseTerms(text)) {
    if (!parsed.ok || parsed.to === text.length) break;
    committed.push({ text: text.slice(parsed.from, parsed.to), term: parsed.term });
    draftFrom = startOfTerm(text, parsed.to);
  }
  return { committed, draft: text.slice(draftFrom), draftFrom };
}

/** The inverse of `splitForChips`. */
export function joinChips(chips: readonly string[], draft: string): string {
  return `${chips.map((chip) => `${chip} `).join('')}${draft}`;
}

/** Removes the term at `index`. Returns the text unchanged if it does not exist. */
export function removeTerm(text: string, index: number): string {
  const parsed = parseTerms(text)[index];
  return parsed === undefined ? text : cut(text, parsed);
}

/** Whether the filter contains exactly this term. */
export function hasTerm(text: string, term: Term): boolean {
  return findTerms(text, term).length > 0;
}

/** Adds `term` as the last chip, before the draft, unless the filter contains it. */
export function withTerm(text: string, term: Term): string {
  if (hasTerm(text, term)) return text;
  const { committed, draft } = splitForChips(text);
  return joinChips([...committed.map((chip) => chip.text), printTerm(term)], draft);
}

/** Adds the term, or removes all its occurrences. */
export function toggleTerm(text: string, term: Term): string {
  const found = findTerms(text, term);
  if (found.length === 0) return withTerm(text, term);
  // From the end, so that earlier offsets stay valid.
  return found.toReversed().reduce(cut, text);
}

function findTerms(text: string, term: Term): ParsedTerm[] {
  const printed = printTerm(term);
  return parseTerms(text).filter((parsed) => parsed.ok && printTerm(parsed.term) === printed);
}

/** Removes a term and the white space after it. */
function cut(text: string, { from, to }: ParsedTerm): string {
  return text.slice(0, from) + text.slice(startOfTerm(text, to));
}

function startOfTerm(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

/**
 * Treats the value being typed as a prefix, so that `environment=dev` already shows matches. A negated term stays exact,
 * because a prefix would hide more than requested.
 */
export function matchDraftAsPrefix(text: string, filter: Filter): Filter {
  const last = filter.at(-1);
  if (last === undefined || /\s$/.test(text) || last.negated) return filter;
  if (!('patterns' in last) || last.kind === 'id') return filter;
  const [first, ...rest] = last.patterns;
  const typed = rest.at(-1) ?? first;
  const isWhole = text.endsWith('"') || typed.at(-1) === '';
  if (isWhole) return filter;
  const begun: Pattern = [...typed, ''];
  const patterns: NonEmpty<Pattern> = rest.length === 0 ? [begun] : [first, ...rest.slice(0, -1), begun];
  return [...filter.slice(0, -1), { ...last, patterns }];
}
