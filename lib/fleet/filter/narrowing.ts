import type { ConnectionName } from '../../sandbox-key';
import { joinChips, splitForChips } from './edit';
import { connectionTerm, type Filter, type Term } from './filter';
import { printTerm } from './print';

/**
 * The connections that a filter leaves, among `names`. All of them for a filter without a connection term. A pattern
 * counts as the names that it matches.
 */
export function connectionsIn(filter: Filter, names: readonly ConnectionName[]): ConnectionName[] {
  const tests = filter.flatMap((term) => {
    if (term.kind !== 'connection') return [];
    const patterns = term.patterns.map((pattern) => new RegExp(`^${pattern.map(escaped).join('.*')}$`, 's'));
    return (name: ConnectionName) => patterns.some((pattern) => pattern.test(name)) !== term.negated;
  });
  return names.filter((name) => tests.every((test) => test(name)));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The filter without its connection terms, and with one for `names` if there are any. The other terms stay. */
export function narrowTo(text: string, ...names: ConnectionName[]): string {
  const { committed, draft } = splitForChips(text);
  const isOther = ({ term }: { term: Term }) => term.kind !== 'connection';
  const others = committed.filter(isOther).map((chip) => chip.text);
  const [first, ...rest] = names;
  const narrowed = first === undefined ? [] : [printTerm(connectionTerm(first, ...rest))];
  return joinChips([...narrowed, ...others], draft);
}
