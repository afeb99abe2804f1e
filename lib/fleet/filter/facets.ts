import type { SandboxState } from '../../sandbox/schema';
import type { IndexedSandbox } from '../row-index';
import { STATE_NAMES } from '../states';
import { connectionTerm, type Filter, metadataTerm, stateTerm, type Term, templateTerm } from './filter';

type Counts = ReadonlyMap<string, number>;

/** How often each value occurs in some rows. Used for facets, the column chooser and suggestions. */
export type FacetCounts = {
  readonly rows: number;
  readonly connections: Counts;
  readonly states: Counts;
  readonly templates: Counts;
  /** By metadata key, then by value. */
  readonly metadata: ReadonlyMap<string, Counts>;
};

/** A value, the number of rows that have it, and the term that selects them. */
export type FacetValue = { readonly value: string; readonly count: number; readonly term: Term };

export type Facet = {
  readonly kind: 'connection' | 'state' | 'template' | 'metadata';
  /** The metadata key, or the kind. */
  readonly key: string;
  /** Most frequent in the whole fleet first. */
  readonly values: readonly FacetValue[];
  /** The number of values beyond the first ones that are shown. */
  readonly more: number;
};

/** A metadata key, the number of rows that have it, and the number of its distinct values. */
export type MetadataKey = { readonly key: string; readonly count: number; readonly distinct: number };

/** Fewer values than this are always useful to choose from, even if they are unique. */
const MANY_VALUES = 10;

/** Two different values may still be a choice; this many, each in one row, are a copy of the rows. */
const MIN_UNIQUE = 4;

export function countFacets(rows: readonly IndexedSandbox[]): FacetCounts {
  const connections = new Map<string, number>();
  const states = new Map<string, number>();
  const templates = new Map<string, number>();
  const metadata = new Map<string, Map<string, number>>();
  for (const { sandbox, connection, templateName } of rows) {
    countOne(connections, connection);
    countOne(states, sandbox.state);
    countOne(templates, templateName);
    for (const key of Object.keys(sandbox.metadata)) {
      let values = metadata.get(key);
      if (values === undefined) {
        values = new Map();
        metadata.set(key, values);
      }
      countOne(values, sandbox.metadata[key] ?? '');
    }
  }
  return { rows: rows.length, connections, states, templates, metadata };
}

/** The metadata keys of which a filter leaves one value: `owner=ana`, but not `owner=ana,li` or `owner=a*`. */
export function keysOfOneValue(filter: Filter | null): string[] {
  return (filter ?? []).flatMap((term) => {
    if (term.kind !== 'metadata' || term.negated) return [];
    const [pattern, ...others] = term.patterns;
    return others.length === 0 && pattern.length === 1 ? term.key : [];
  });
}

function countOne(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

type FacetOptions = {
  /** The maximum number of values per facet. */
  limit: number;
  /** The maximum number of metadata keys, not counting those in the filter. */
  keys?: number;
  filter?: Filter;
  /** The counts of the rows that match. By default those of the whole fleet. */
  matching?: FacetCounts;
};

/**
 * The facets to show below the filter: states, connections if there are several, templates, then the most useful metadata
 * keys. A key with one value in all rows is omitted, unless the filter contains it: then it is needed to remove the term. A
 * key whose values hardly repeat has no facet: its values divide nothing, and the filter suggests them. The order of facets
 * and values comes from the whole fleet, so that nothing moves when the filter changes; only the counts are of the matching
 * rows.
 */
export function facetsOf(
  fleet: FacetCounts,
  { limit, keys = 4, filter = [], matching = fleet }: FacetOptions,
): Facet[] {
  if (fleet.rows === 0) return [];
  const facets: Facet[] = [stateFacet(fleet.states, matching.states)];
  if (fleet.connections.size > 1 || filter.some(({ kind }) => kind === 'connection')) {
    const connections = [fleet.connections, matching.connections];
    facets.push(facetOf('connection', 'connection', connections, limit, (name) => connectionTerm(name)));
  }
  if (fleet.templates.size > 1 || filter.some(({ kind }) => kind === 'template'))
    facets.push(facetOf('template', 'template', [fleet.templates, matching.templates], limit, templateTerm));
  const filtered = new Set(filter.flatMap((term) => (term.kind === 'metadata' ? [term.key] : [])));
  let offered = 0;
  for (const metadataKey of metadataKeysOf(fleet)) {
    const { key, count, distinct } = metadataKey;
    if (isIdLike(metadataKey) || isUnique(metadataKey)) continue;
    const isFiltered = filtered.has(key);
    const isOffered = offered < keys && !(distinct === 1 && count === fleet.rows);
    if (isOffered) offered += 1;
    if (!isOffered && !isFiltered) continue;
    const values = [fleet, matching].map(({ metadata }) => metadata.get(key) ?? NO_COUNTS);
    facets.push(facetOf('metadata', key, values, limit, (value) => metadataTerm(key, value)));
  }
  return facets;
}

const NO_COUNTS: Counts = new Map();

/** Every metadata key, most useful first: in many rows, with few values. Almost unique keys, such as ids, come last. */
export function metadataKeysOf(counts: FacetCounts): MetadataKey[] {
  const keys = [...counts.metadata].map(([key, values]) => ({
    key,
    count: sumOf(values),
    distinct: values.size,
  }));
  return keys
    .map((entry) => ({ entry, score: usefulness(entry, counts.rows) }))
    .sort((a, b) => b.score - a.score || compareText(a.entry.key, b.entry.key))
    .map(({ entry }) => entry);
}

/** Sorts values by frequency, then by name. */
export function rankValues(counts: Counts): [value: string, count: number][] {
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || compareText(a, b));
}

/** Prefers a key with ten values in half of the rows over one with a thousand values in all rows. */
function usefulness(key: MetadataKey, rows: number): number {
  const coverage = key.count / rows;
  const score = coverage / (1 + Math.log2(key.distinct));
  return isIdLike(key) ? score - 1 : score;
}

/** Whether several rows have the key, each with another value. */
function isUnique({ count, distinct }: MetadataKey): boolean {
  return distinct >= MIN_UNIQUE && distinct === count;
}

/** Whether a key has many values that hardly repeat, as ids do. */
export function isIdLike({ count, distinct }: MetadataKey): boolean {
  return distinct >= MANY_VALUES && distinct > count / 2;
}

function stateFacet(fleet: Counts, matching: Counts): Facet {
  const values = STATE_NAMES.filter((state: SandboxState) => fleet.has(state)).map((state) => ({
    value: state,
    count: matching.get(state) ?? 0,
    term: stateTerm(state),
  }));
  return { kind: 'state', key: 'state', values, more: 0 };
}

function facetOf(
  kind: Facet['kind'],
  key: string,
  [fleet = NO_COUNTS, matching = fleet]: readonly Counts[],
  limit: number,
  termOf: (value: string) => Term,
): Facet {
  const ranked = rankValues(fleet);
  const values = ranked
    .slice(0, limit)
    .map(([value]) => ({ value, count: matching.get(value) ?? 0, term: termOf(value) }));
  return { kind, key, values, more: ranked.length - values.length };
}

function sumOf(counts: Counts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
