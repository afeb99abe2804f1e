import {
  countFacets,
  type FacetCounts,
  isIdLike,
  metadataKeysOf,
  rankValues,
} from '../../fleet/filter/facets';
import { indexSandbox } from '../../fleet/row-index';
import { STATE_NAMES } from '../../fleet/states';
import { type SandboxAct, sandboxCannot } from '../../sandbox/can';
import type { Sandbox, SandboxState } from '../../sandbox/schema';
import { SKIP_KINDS, type SkipKind, type Skipped } from '../schema';

/** How many sandboxes have a value. */
export type Share = { value: string; count: number };

/** Sandboxes divided by one thing that they differ in; all counts and `without` add up to how many there are. */
export type Split = {
  /** The most frequent first. */
  values: Share[];
  /** Values beyond those, and how many sandboxes have one of them. */
  more: { values: number; count: number };
  /** How many do not have the key at all. */
  without: number;
};

/** What a set of sandboxes is made of, for somebody who is about to lose it. */
export type BlastRadius = {
  count: number;
  states: { state: SandboxState; count: number }[];
  templates: Split;
  /** The metadata keys that say most about the set, the most telling first. */
  keys: (Split & { key: string })[];
  /** Metadata that every one of them has, by key. */
  shared: { key: string; value: string }[];
  /** The other keys, those with the most values first: what tells one sandbox from the next. */
  distinguishing: string[];
  /** Start of the one that runs longest and of the latest, epoch ms; `null` for no sandboxes. */
  ages: { oldestMs: number; newestMs: number } | null;
};

type Limits = {
  /** How many metadata keys to choose. */
  keys: number;
  /** How many values to name of each, or one more where that is all. */
  values: number;
};

/** A key that fewer than one in this many have says little about the set. */
const ONE_IN = 4;

/**
 * Divides `sandboxes` by state, template and the metadata keys that say most about this set: those that many have, that
 * differ, and that are not different in each.
 */
export function blastRadius(sandboxes: readonly Sandbox[], limits: Limits): BlastRadius {
  const counts = countFacets(sandboxes.map(indexSandbox));
  const total = sandboxes.length;
  const splitOf = (shares: ReadonlyMap<string, number>): Split => {
    const ranked = rankValues(shares);
    // A single one more takes no more room than to say so.
    const most = ranked.length === limits.values + 1 ? ranked.length : limits.values;
    const named = ranked.slice(0, most);
    const rest = ranked.slice(most);
    return {
      values: named.map(([value, count]) => ({ value, count })),
      more: { values: rest.length, count: sumOf(rest) },
      without: total - sumOf(ranked),
    };
  };
  const shared = sharedOf(counts);
  const telling = metadataKeysOf(counts).filter(
    (key) => key.count * ONE_IN >= total && key.distinct > 1 && key.distinct < key.count && !isIdLike(key),
  );
  return {
    count: total,
    states: STATE_NAMES.map((state) => ({ state, count: counts.states.get(state) ?? 0 })).filter(
      ({ count }) => count > 0,
    ),
    templates: splitOf(counts.templates),
    keys: telling
      .slice(0, limits.keys)
      .map(({ key }) => ({ key, ...splitOf(counts.metadata.get(key) ?? new Map()) })),
    shared,
    distinguishing: distinguishingOf(counts, new Set(total > 1 ? shared.map(({ key }) => key) : [])),
    ages: agesOf(sandboxes),
  };
}

function sharedOf({ rows, metadata }: FacetCounts): BlastRadius['shared'] {
  return [...metadata]
    .flatMap(([key, values]) => {
      const [only] = values;
      return only !== undefined && only[1] === rows ? [{ key, value: only[0] }] : [];
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function distinguishingOf({ metadata }: FacetCounts, without: ReadonlySet<string>): string[] {
  return [...metadata]
    .filter(([key]) => !without.has(key))
    .sort(([a, valuesA], [b, valuesB]) => valuesB.size - valuesA.size || (a < b ? -1 : 1))
    .map(([key]) => key);
}

function sumOf(ranked: readonly (readonly [string, number])[]): number {
  return ranked.reduce((sum, [, count]) => sum + count, 0);
}

function agesOf(sandboxes: readonly Sandbox[]): BlastRadius['ages'] {
  if (sandboxes.length === 0) return null;
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { startedAtMs } of sandboxes) {
    oldestMs = Math.min(oldestMs, startedAtMs);
    newestMs = Math.max(newestMs, startedAtMs);
  }
  return { oldestMs, newestMs };
}

/** Sandboxes that are left alone for the same reason. */
export type LeftAlone = { kind: SkipKind; why: string; skipped: Skipped[] };

/** Groups what `act` leaves alone by why, in words that follow a count: `2 already gone`, `1 protected by keep=true`. */
export function groupSkipped(act: SandboxAct, skipped: readonly Skipped[]): LeftAlone[] {
  const groups = new Map<string, LeftAlone>();
  for (const kind of SKIP_KINDS) {
    for (const one of skipped) {
      if (one.kind !== kind) continue;
      const why = WHY[kind](one, act);
      const key = `${kind} ${why}`;
      const group = groups.get(key) ?? { kind, why, skipped: [] };
      groups.set(key, group);
      group.skipped.push(one);
    }
  }
  return [...groups.values()];
}

const WHY = {
  gone: () => 'already gone',
  busy: () => 'being worked on already',
  // The server says by which key.
  protected: ({ reason }) => reason.replace(/^It is /, '').replace(/\.$/, ''),
  state: ({ sandbox }, act) => IN_STATE[sandbox?.state ?? 'unknown'](act),
} satisfies Record<SkipKind, (skipped: Skipped, act: SandboxAct) => string>;

const IN_STATE = {
  running: () => 'already running',
  paused: (act) => PAUSED[act],
  unknown: () => 'in a state this version does not know',
} satisfies Record<SandboxState, (act: SandboxAct) => string>;

const PAUSED = {
  kill: 'paused',
  pause: 'already paused',
  resume: 'paused',
  setTimeout: 'paused, without a deadline',
  run: 'paused',
} satisfies Record<SandboxAct, string>;

/** `7 left alone: 5 already paused, 2 protected by protected=true`; `null` where nothing is. */
export function sayLeftAlone(act: SandboxAct, skipped: readonly Skipped[]): string | null {
  if (skipped.length === 0) return null;
  const groups = groupSkipped(act, skipped);
  const [only] = groups;
  const whys =
    groups.length === 1 && only
      ? only.why
      : groups.map((group) => `${group.skipped.length} ${group.why}`).join(', ');
  return `${skipped.length} left alone: ${whys}`;
}

/** What the states that are known here say of an act, before the server has read them afresh. */
export function divideByState(
  act: SandboxAct,
  sandboxes: readonly Sandbox[],
): { able: Sandbox[]; skipped: Skipped[] } {
  const able: Sandbox[] = [];
  const skipped: Skipped[] = [];
  for (const sandbox of sandboxes) {
    const reason = sandboxCannot(sandbox.state, act);
    if (reason === null) able.push(sandbox);
    else skipped.push({ sandboxId: sandbox.id, kind: 'state', reason, sandbox });
  }
  return { able, skipped };
}
