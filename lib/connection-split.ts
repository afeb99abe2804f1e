import { type ConnectionName, connectionOf, type SandboxKey } from './sandbox-key';

/** How many sandboxes are in a connection. */
export type ConnectionShare = { name: ConnectionName; count: number };

/** Groups keys by their connection, in the order of first appearance. */
export function byConnection(keys: Iterable<SandboxKey>): Map<ConnectionName, SandboxKey[]> {
  const groups = new Map<ConnectionName, SandboxKey[]>();
  for (const key of keys) {
    const name = connectionOf(key);
    const group = groups.get(name);
    if (group) group.push(key);
    else groups.set(name, [key]);
  }
  return groups;
}

/** The number of sandboxes in each connection, the largest first. */
export function splitByConnection(keys: Iterable<SandboxKey>): ConnectionShare[] {
  return sortedSplit([...byConnection(keys)].map(([name, own]) => ({ name, count: own.length })));
}

/** The largest share first. */
export function sortedSplit(split: readonly ConnectionShare[]): ConnectionShare[] {
  return split.toSorted((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1));
}

/** `12 in prod, 3 in staging`. A single connection needs no count: `in prod`. */
export function splitText(split: readonly ConnectionShare[]): string {
  const [only, ...others] = split;
  if (only === undefined) return '';
  if (others.length === 0) return `in ${only.name}`;
  return split.map(({ name, count }) => `${count} in ${name}`).join(', ');
}
