import type { SandboxState } from '../../sandbox/schema';
import type { IndexedSandbox } from '../row-index';
import { STATE_NAMES } from '../states';
import { type Filter, metadataTerm, stateTerm, type Term, templateTerm } from './filter';

type Counts = ReadonlyMap<string, number>;

/** How often each thing occurs in a set of rows. Facets, the column chooser and suggestions all read from one. */
export type FacetCounts = {
  readonly rows: number;
  readonly states: Counts;
  readonly templates: Counts;
  /** By metadata key, then by value. */
  readonly metadata: ReadonlyMap<string, Counts>;
};

/** A value to offer, with the number of rows that have it and the term that selects them. */
export type FacetValue = { readonly value: string; readonly count: number; readonly term: Term };

export type Facet = {
  readonly kind: 'state' | 'template' | 'metadata';
  /** What to call it: the metadata key, or the kind. */
  readonly key: string;
  /** The most frequent first. */
  readonly values: readonly FacetValue[];
  /** How many more values there are. */
  readonly more: number;
};

/** A metadata key with the number of rows that have it and of the values it takes. */
export type MetadataKey = { readonly key: string; readonly count: number; readonly distinct: number };

/** With fewer values than this a person can still choose among them, unique or not. */
const MANY_VALUES = 10;

/** Counts what occurs in `rows`, in one pass. */
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
 * What is worth offering below the filter: states, templates, then metadata keys by how well they divide the rows.
 * What all rows share divides nothing and is left out, except for the state and for what the filter asks for: that has
 * to stay in order to be taken back.
 *
 * @param limit values per facet
 * @param keys metadata keys at most, those in the filter apart
 */
export function facetsOf(
  counts: FacetCounts,
  { limit, keys = 4, filter = [] }: { limit: number; keys?: number; filter?: Filter },
): Facet[] {
  if (counts.rows === 0) return [];
  const facets: Facet[] = [stateFacet(counts.states)];
  if (counts.templates.size > 1 || filter.some(({ kind }) => kind === 'template'))
    facets.push(facetOf('template', 'template', counts.templates, limit, templateTerm));
  const asked = new Set(filter.flatMap((term) => (term.kind === 'metadata' ? [term.key] : [])));
  let offered = 0;
  for (const { key, count, distinct } of metadataKeysOf(counts)) {
    const isAsked = asked.has(key);
    if (!isAsked && (offered >= keys || (distinct === 1 && count === counts.rows))) continue;
    if (!isAsked) offered += 1;
    const values = counts.metadata.get(key) ?? new Map<string, number>();
    facets.push(facetOf('metadata', key, values, limit, (value) => metadataTerm(key, value)));
  }
  return facets;
}

/**
 * Every metadata key, the most useful first: in many rows and with few values. Keys that are all but unique to each
 * row, such as a run id, come last.
 */
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

/** The values in the order they are offered: most frequent first, then by name. */
export function rankValues(counts: Counts): [value: string, count: number][] {
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || compareText(a, b));
}

/** Half of the rows in ten values beat all rows in a thousand, and ids come last. */
function usefulness(key: MetadataKey, rows: number): number {
  const coverage = key.count / rows;
  const score = coverage / (1 + Math.log2(key.distinct));
  return isIdLike(key) ? score - 1 : score;
}

/** Whether a key's values are many and hardly repeat, as those of a run id. */
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
