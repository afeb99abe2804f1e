import { matchDraftAsPrefix } from './edit';
import { type Filter, type FilterError, parseFilter, parseTerms } from './filter';

/**
 * The part of a filter that selects rows.
 *
 * - `whole`: every term is valid.
 * - `unfinished`: the last term is still being typed and not valid yet. The finished terms before it select.
 * - `wrong`: a finished term is invalid. Nothing is selected, because without that term the filter would select more.
 *
 * With an error, nothing may be done to all matching rows: they are not what the filter on screen asks for.
 */
export type FilterInForce =
  | { readonly kind: 'whole'; readonly filter: Filter; readonly error: null }
  | { readonly kind: 'unfinished'; readonly filter: Filter; readonly error: FilterError }
  | { readonly kind: 'wrong'; readonly filter: null; readonly error: FilterError };

/** Reads a filter as it is typed. A term is finished by the white space after it. */
export function filterInForce(text: string): FilterInForce {
  const parsed = parseFilter(text);
  if (parsed.ok) return { kind: 'whole', filter: matchDraftAsPrefix(text, parsed.filter), error: null };
  const terms = parseTerms(text);
  const wrong = terms.findIndex(({ ok }) => !ok);
  const isLast = wrong === terms.length - 1 && terms[wrong]?.to === text.length;
  return isLast
    ? { kind: 'unfinished', filter: parsed.filter, error: parsed.error }
    : { kind: 'wrong', filter: null, error: parsed.error };
}

/** The text of the filter bar for a filter from a link. The space at the end finishes its last term. */
export function finishedText(text: string): string {
  return text.trim() === '' ? '' : `${text} `;
}
