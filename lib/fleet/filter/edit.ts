import { type Filter, type NonEmpty, type ParsedTerm, type Pattern, parseTerms, type Term } from './filter';
import { printTerm } from './print';

/** A finished term: the text as it was typed, and what it means. */
export type Chip = { readonly text: string; readonly term: Term };

/** `draft` is still being typed; it starts at offset `draftFrom`, which error offsets are to be read against. */
export type ChipSplit = {
  readonly committed: readonly Chip[];
  readonly draft: string;
  readonly draftFrom: number;
};

/**
 * Divides a filter into chips and the rest. A term is committed by the space after it. From the first term that cannot
 * be read, everything is draft: it stays where it can be corrected. A filter that comes from a URL ends in its last
 * term; append a space to see that one as a chip too.
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

/** The filter text of chips and a draft: what `splitForChips` takes apart. */
export function joinChips(chips: readonly string[], draft: string): string {
  return `${chips.map((chip) => `${chip} `).join('')}${draft}`;
}

/** The text without its term number `index`, counted from 0 over all terms. Unchanged where there is none. */
export function removeTerm(text: string, index: number): string {
  const parsed = parseTerms(text)[index];
  return parsed === undefined ? text : cut(text, parsed);
}

/** Whether the filter says exactly this already. */
export function hasTerm(text: string, term: Term): boolean {
  return findTerms(text, term).length > 0;
}

/** The text with `term` as its last chip, before what is being typed. Unchanged where it says so already. */
export function withTerm(text: string, term: Term): string {
  if (hasTerm(text, term)) return text;
  const { committed, draft } = splitForChips(text);
  return joinChips([...committed.map((chip) => chip.text), printTerm(term)], draft);
}

/** What a click on a facet or a metadata chip does: adds the term, or removes it wherever it stands. */
export function toggleTerm(text: string, term: Term): string {
  const found = findTerms(text, term);
  if (found.length === 0) return withTerm(text, term);
  // From the back, so that the offsets of those before stay right.
  return found.toReversed().reduce(cut, text);
}

function findTerms(text: string, term: Term): ParsedTerm[] {
  const printed = printTerm(term);
  return parseTerms(text).filter((parsed) => parsed.ok && printTerm(parsed.term) === printed);
}

/** Takes the white space after the term along, so that none is left over. */
function cut(text: string, { from, to }: ParsedTerm): string {
  return text.slice(0, from) + text.slice(startOfTerm(text, to));
}

function startOfTerm(text: string, from: number): number {
  return from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0);
}

/**
 * The filter as it is meant while its last term is still being typed: the value so far is the beginning of one, so
 * that `environment=dev` narrows down instead of showing nothing until the word is whole. What is negated stays exact:
 * there, a beginning would hide more than was asked for.
 */
export function readWhileTyping(text: string, filter: Filter): Filter {
  const last = filter.at(-1);
  if (last === undefined || /\s$/.test(text) || last.negated) return filter;
  if (last.kind !== 'metadata' && last.kind !== 'template' && last.kind !== 'has') return filter;
  const [first, ...rest] = last.patterns;
  const typed = rest.at(-1) ?? first;
  const isWhole = text.endsWith('"') || typed.at(-1) === '';
  if (isWhole) return filter;
  const begun: Pattern = [...typed, ''];
  const patterns: NonEmpty<Pattern> = rest.length === 0 ? [begun] : [first, ...rest.slice(0, -1), begun];
  return [...filter.slice(0, -1), { ...last, patterns }];
}
