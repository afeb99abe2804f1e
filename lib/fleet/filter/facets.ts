import type { SandboxState } from '../../sandbox/schema';
import type { IndexedSandbox } from '../row-index';
import { STATE_NAMES } from '../states';
import { type Filter, metadataTerm, stateTerm, type Term, templateTerm } from './filter';

type Counts = ReadonlyMap<string, number>;

/** How often each value occurs in some rows. Used for facets, the column chooser and suggestions. */
export type FacetCounts = {
  readonly rows: number;
  readonly states: Counts;
  readonly templates: Counts;
  /** By metadata key, then by value. */
  readonly metadata: ReadonlyMap<string, Counts>;
};

/** A value, the number of rows that have it, and the term that selects them. */
export type FacetValue = { readonly value: string; readonly count: number; readonly term: Term };

export type Facet = {
  readonly kind: 'state' | 'template' | 'metadata';
  /** The metadata key, or the kind. */
  readonly key: string;
  /** Most frequent first. */
  readonly values: readonly FacetValue[];
  /** The number of further values. */
  readonly more: number;
};

/** A metadata key, the number of rows that have it, and the number of its distinct values. */
export type MetadataKey = { readonly key: string; readonly count: number; readonly distinct: number };

/** Fewer values than this are always useful to choose from, even if they are unique. */
const MANY_VALUES = 10;

export function countFacets(rows: readonly IndexedSandbox[]): FacetCounts {
  const states = new Map<string, number>();
  const templates = new Map<string, number>();
  const metadata = new Map<string, Map<string, number>>();
  for (const { sandbox, templateName } of rows) {
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
  return { rows: rows.length, states, templates, metadata };
}

function countOne(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

/**
 * The facets to show below the filter: states, templates, then the most useful metadata keys. A key with one value in all
 * rows is omitted, unless the filter contains it: then it is needed to remove the term.
 *
 * @param limit maximum number of values per facet
 * @param keys maximum number of metadata keys, not counting those in the filter
 */
export function facetsOf(
  counts: FacetCounts,
  { limit, keys = 4, filter = [] }: { limit: number; keys?: number; filter?: Filter },
): Facet[] {
  if (counts.rows === 0) return [];
  const facets: Facet[] = [stateFacet(counts.states)];
  if (counts.templates.size > 1 || filter.some(({ kind }) => kind === 'template'))
    facets.push(facetOf('template', 'template', counts.templates, limit, templateTerm));
  const filtered = new Set(filter.flatMap((term) => (term.kind === 'metadata' ? [term.key] : [])));
  let offered = 0;
  for (const { key, count, distinct } of metadataKeysOf(counts)) {
    const isFiltered = filtered.has(key);
    if (!isFiltered && (offered >= keys || (distinct === 1 && count === counts.rows))) continue;
    if (!isFiltered) offered += 1;
    const values = counts.metadata.get(key) ?? new Map<string, number>();
    facets.push(facetOf('metadata', key, values, limit, (value) => metadataTerm(key, value)));
  }
  return facets;
}

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

/** Whether a key has many values that hardly repeat, as ids do. */
export function isIdLike({ count, distinct }: MetadataKey): boolean {
  return distinct >= MANY_VALUES && distinct > count / 2;
}

function stateFacet(states: Counts): Facet {
  const values = STATE_NAMES.map((state: SandboxState) => ({
    value: state,
    count: states.get(state) ?? 0,
    term: stateTerm(state),
  }));
  return { kind: 'state', key: 'state', values: values.filter(({ count }) => count > 0), more: 0 };
}

function facetOf(
  kind: Facet['kind'],
  key: string,
  counts: Counts,
  limit: number,
  termOf: (value: string) => Term,
): Facet {
  const ranked = rankValues(counts);
  const values = ranked.slice(0, limit).map(([value, count]) => ({ value, count, term: termOf(value) }));
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
