import { SANDBOX_ID_PATTERN } from '../../sandbox-key';
import { joinChips, splitForChips } from './edit';
import { type Filter, type NonEmpty, type Pattern, parseTerms, type Term } from './filter';
import { printTerm } from './print';

/** The most ids that one filter takes. A link with more would be too long for a server. */
export const MAX_PASTED_IDS = 400;

const SEPARATORS = /[\s,;|]+/;
/** Around an id in code, JSON or Markdown. */
const AROUND = /^[*"'`[({<]+|["'`[\])}>.]+$/g;
/** Long and with a digit, which words and names of people hardly are. */
const LIKE_AN_ID = /^(?=.*\d)[A-Za-z0-9_-]{15,64}$/;

/** Whether text is surely an id and no word. */
export function isLikeAnId(text: string): boolean {
  return LIKE_AN_ID.test(text);
}

/**
 * The ids in pasted text: separated by lines, spaces, commas or semicolons, quoted or not. `null` if the text is anything
 * else. A short id counts only if the fleet has it, so that words stay words.
 */
export function idsInPasted(text: string, isKnown: (id: string) => boolean): string[] | null {
  const pieces = text
    .split(SEPARATORS)
    .map((piece) => piece.replace(AROUND, ''))
    .filter((piece) => /[A-Za-z0-9]/.test(piece));
  const ids = [...new Set(pieces)];
  const areIds = ids.every((id) => SANDBOX_ID_PATTERN.test(id) && (isKnown(id) || isLikeAnId(id)));
  return ids.length > 0 && areIds ? ids : null;
}

/** Adds `ids` to the filter as one term: to its `id:` term if it has one, because a sandbox has only one id. */
export function withIds(text: string, ids: readonly string[]): string {
  const { committed, draft } = splitForChips(text);
  const isIds = (term: Term) => term.kind === 'id' && !term.negated;
  const before = committed.find(({ term }) => isIds(term))?.term;
  const patterns: Pattern[] = [
    ...(before?.kind === 'id' ? before.patterns : []),
    ...ids.map((id): Pattern => [id]),
  ];
  const [first, ...rest] = patterns.filter(
    (pattern, at) => patterns.findIndex((other) => other.join('*') === pattern.join('*')) === at,
  );
  if (first === undefined) return text;
  const term = printTerm({ kind: 'id', negated: false, patterns: [first, ...rest] as NonEmpty<Pattern> });
  const kept = committed.filter((chip) => !isIds(chip.term)).map((chip) => chip.text);
  return joinChips([...kept, term], draft);
}

/** The id of a filter that asks for one sandbox and nothing else, or `null`. */
export function onlyIdIn(filter: Filter): string | null {
  const ids = filter.filter((term) => term.kind !== 'connection');
  const [only, ...others] = ids;
  if (only === undefined || others.length > 0 || only.negated) return null;
  const text =
    only.kind === 'text'
      ? only.text
      : only.kind === 'id' && only.patterns.length === 1
        ? only.patterns[0].join('*')
        : '';
  return isLikeAnId(text) ? text : null;
}

/** The number of ids that a filter names. */
export function countIds(text: string): number {
  return parseTerms(text).reduce(
    (sum, parsed) => sum + (parsed.ok && parsed.term.kind === 'id' ? parsed.term.patterns.length : 0),
    0,
  );
}
