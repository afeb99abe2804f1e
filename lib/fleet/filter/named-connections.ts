import { type Grants, roleOn } from '../../grants';
import { parseTerms } from './filter';

/** Whether a saved filter may be shown to the person. It must not name a connection that they must not learn of. */
export function showsFilter(grants: Grants, text: string): boolean {
  if (grants.everywhere !== null) return true;
  return parseTerms(text).every((parsed) => {
    if (!parsed.ok) return !text.slice(parsed.from, parsed.to).includes('connection');
    const { term } = parsed;
    return (
      term.kind !== 'connection' ||
      term.patterns.every(([name, ...rest]) => rest.length === 0 && roleOn(grants, name) !== null)
    );
  });
}
