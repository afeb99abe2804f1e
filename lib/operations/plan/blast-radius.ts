import { type ConnectionShare, splitByConnection } from '../../connection-split';
import {
  countFacets,
  type FacetCounts,
  isIdLike,
  metadataKeysOf,
  rankValues,
} from '../../fleet/filter/facets';
import { type IndexedSandbox, indexSandboxes } from '../../fleet/row-index';
import { STATE_NAMES } from '../../fleet/states';
import { tabClock } from '../../live/server-clock';
import { type SandboxAct, sandboxCannot } from '../../sandbox/can';
import type { Sandbox, SandboxState } from '../../sandbox/schema';
import { connectionOf } from '../../sandbox-key';
import { SKIP_KINDS, type SkipKind, type Skipped } from '../schema';

export type Share = { value: string; count: number };

/** Sandboxes grouped by a property. All counts and `without` add up to the number of sandboxes. */
export type Split = {
  /** Most frequent first. */
  values: Share[];
  /** The number of further values, and of sandboxes with one of them. */
  more: { values: number; count: number };
  without: number;
};

/** A summary of the sandboxes that an action will change. */
export type BlastRadius = {
  count: number;
  states: { state: SandboxState; count: number }[];
  templates: Split;
  /** By connection, the largest first. */
  connections: ConnectionShare[];
  /** The most informative metadata keys, best first. */
  keys: (Split & { key: string })[];
  /** Metadata that all of them share, sorted by key. */
  shared: { key: string; value: string }[];
  /** The other keys, those with the most values first: they tell the sandboxes apart. */
  distinguishing: string[];
  /** Start of the oldest and of the newest sandbox, epoch ms on Sandkeeper's clock. `null` if no start is known. */
  ages: { oldestMs: number; newestMs: number } | null;
};

type Limits = {
  keys: number;
  /** The number of values to list per key, or one more if that lists all. */
  values: number;
};

/** A key is ignored if fewer than one in this many sandboxes have it. */
const ONE_IN = 4;

/**
 * Groups `sandboxes` by state, template and the most informative metadata keys: keys that many of them have, with more
 * than one value, but not a different value in each.
 */
export function blastRadius(sandboxes: readonly Sandbox[], limits: Limits): BlastRadius {
  const rows = indexSandboxes(sandboxes, (name) => ({ serviceAheadMs: tabClock.serviceAheadMs(name) }));
  const counts = countFacets(rows);
  const total = sandboxes.length;
  const splitOf = (shares: ReadonlyMap<string, number>): Split => {
    const ranked = rankValues(shares);
    // One more value takes no more room than "1 other".
    const max = ranked.length === limits.values + 1 ? ranked.length : limits.values;
    const named = ranked.slice(0, max);
    const rest = ranked.slice(max);
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
    connections: splitByConnection(sandboxes.map(({ key }) => key)),
    keys: telling
      .slice(0, limits.keys)
      .map(({ key }) => ({ key, ...splitOf(counts.metadata.get(key) ?? new Map()) })),
    shared,
    distinguishing: distinguishingOf(counts, new Set(total > 1 ? shared.map(({ key }) => key) : [])),
    ages: agesOf(rows),
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

function agesOf(rows: readonly IndexedSandbox[]): BlastRadius['ages'] {
  let oldestMs = Number.POSITIVE_INFINITY;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { firstStartMs } of rows) {
    if (firstStartMs === null) continue;
    oldestMs = Math.min(oldestMs, firstStartMs);
    newestMs = Math.max(newestMs, firstStartMs);
  }
  return newestMs < oldestMs ? null : { oldestMs, newestMs };
}

export type SkipGroup = { kind: SkipKind; reason: string; skipped: Skipped[] };

/** Groups skipped sandboxes by reason. A reason follows a count: `2 already gone`, `1 protected by keep=true`. */
export function groupSkipped(act: SandboxAct, skipped: readonly Skipped[]): SkipGroup[] {
  const groups = new Map<string, SkipGroup>();
  for (const kind of SKIP_KINDS) {
    for (const one of skipped) {
      if (one.kind !== kind) continue;
      const reason = REASONS[kind](one, act);
      const key = `${kind} ${reason}`;
      const group = groups.get(key) ?? { kind, reason, skipped: [] };
      groups.set(key, group);
      group.skipped.push(one);
    }
  }
  return [...groups.values()];
}

const REASONS = {
  gone: () => 'already gone',
  unreadable: describeConnection,
  notOffered: describeConnection,
  busy: () => 'in another operation',
  deadline: () => 'without a known deadline',
  // The server's reason names the protecting key.
  role: () => 'that would end within 5 minutes, which requires the admin role',
  protected: ({ reason }) => reason.replace(/^It is /, '').replace(/\.$/, ''),
  state: ({ sandbox }, act) => IN_STATE[sandbox?.state ?? 'unknown'](act),
} satisfies Record<SkipKind, (skipped: Skipped, act: SandboxAct) => string>;

/** `in staging (the sandbox service could not be reached)`. */
function describeConnection({ sandboxKey, reason }: Skipped): string {
  return `in ${connectionOf(sandboxKey)} (${reason.replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase()).replace(/\.$/, '')})`;
}

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

/** `7 skipped: 5 already paused, 2 protected by protected=true`, or `null`. */
export function describeSkipped(act: SandboxAct, skipped: readonly Skipped[]): string | null {
  if (skipped.length === 0) return null;
  const groups = groupSkipped(act, skipped);
  const [only] = groups;
  const reasons =
    groups.length === 1 && only
      ? only.reason
      : groups.map((group) => `${group.skipped.length} ${group.reason}`).join(', ');
  return `${skipped.length} skipped: ${reasons}`;
}

/** Splits sandboxes by their last known state, before the server has read them again. */
export function divideByState(
  act: SandboxAct,
  sandboxes: readonly Sandbox[],
): { able: Sandbox[]; skipped: Skipped[] } {
  const able: Sandbox[] = [];
  const skipped: Skipped[] = [];
  for (const sandbox of sandboxes) {
    const reason = sandboxCannot(sandbox.state, act);
    if (reason === null) able.push(sandbox);
    else skipped.push({ sandboxKey: sandbox.key, kind: 'state', reason, sandbox });
  }
  return { able, skipped };
}
