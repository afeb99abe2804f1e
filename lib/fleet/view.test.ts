import { describe, expect, it } from 'vitest';
import type { ShownConnection } from '../connection';
import { keyOf } from '../sandbox-key';
import type { FleetStatus } from './delta';
import { countFacets, type Facet, facetsOf } from './filter/facets';
import { mixedFleet, NOW_MS, rowWith } from './test-fleet';
import { countStates, DEFAULT_SORT, filterRows, firstScreen, indexFleets, sortFrom } from './view';

const status: FleetStatus = {
  asOfMs: NOW_MS,
  problem: null,
  unreadable: 0,
  isEndless: false,
  serviceAheadMs: 0,
  maxRunning: 20,
  lacking: {},
};
const fleet = mixedFleet(500).map(({ sandbox }) => sandbox);
const connections: ShownConnection[] = [
  { name: 'local', title: 'Local engine', kind: 'local', label: null, host: '127.0.0.1:8090', variables: {} },
];
const fleets = { sandboxes: fleet, status, statuses: { local: status }, connections };

describe('sortFrom', () => {
  it('parses a sort or falls back to latest start first', () => {
    expect(sortFrom('-left')).toEqual({ key: 'left', direction: 'desc' });
    for (const text of [null, undefined, '', 'nonsense']) expect(sortFrom(text)).toBe(DEFAULT_SORT);
  });
});

describe('filterRows', () => {
  it('returns the same array for an empty filter', () => {
    const rows = mixedFleet(3);
    expect(filterRows(rows, [], NOW_MS)).toBe(rows);
  });
});

describe('firstScreen', () => {
  it('counts all rows and returns the first sixty, latest start first', () => {
    const screen = firstScreen(fleets, { q: '', sort: '' }, NOW_MS);
    expect(screen).toMatchObject({
      matching: 500,
      total: 500,
      status,
      statuses: { local: status },
      connections,
      nowMs: NOW_MS,
    });
    expect(screen.running + screen.paused).toBe(500);
    expect(screen.sandboxes).toHaveLength(60);
    const starts = screen.sandboxes.map(({ startedAtMs }) => startedAtMs);
    expect(starts).toEqual(
      fleet
        .map(({ startedAtMs }) => startedAtMs)
        .toSorted((a, b) => Number(b) - Number(a))
        .slice(0, 60),
    );
  });

  it('filters and sorts by the URL', () => {
    const screen = firstScreen(fleets, { q: 'state:paused', sort: 'id' }, NOW_MS);
    const ids = fleet.filter(({ state }) => state === 'paused').map(({ id }) => id);
    expect(screen.matching).toBe(ids.length);
    expect(screen.sandboxes.map(({ id }) => id)).toEqual(ids.toSorted().slice(0, 60));
    expect(screen.total).toBe(500);
  });

  it('counts the facets in the whole fleet, not in the rows that it returns', () => {
    const { facets } = firstScreen(fleets, { q: 'owner=ana', sort: '' }, NOW_MS);
    const all = countFacets(indexFleets(fleets));
    const mine = fleet.filter(({ metadata }) => metadata.owner === 'ana');
    const states = facets.find(({ key }) => key === 'state')?.values ?? [];
    expect(states.reduce((sum, { count }) => sum + count, 0)).toBe(mine.length);
    expect(mine.length).toBeGreaterThan(60);
    const keysOf = (list: readonly Facet[]) => list.map(({ key }) => key);
    expect(keysOf(facets)).toEqual(keysOf(facetsOf(all, { limit: 1 })));
  });

  it('compares each sandbox with the clock of its own service', () => {
    const HOUR_MS = 3_600_000;
    // Both started ten minutes ago and have twenty left; the clock of one service is an hour ahead.
    const sandboxOf = (name: string, aheadMs: number) =>
      rowWith({
        id: name,
        key: keyOf(name, name),
        startedAtMs: NOW_MS + aheadMs - HOUR_MS / 6,
        endAtMs: NOW_MS + aheadMs + HOUR_MS / 3,
      }).sandbox;
    const skewed = {
      ...fleets,
      sandboxes: [sandboxOf('prod', HOUR_MS), sandboxOf('staging', 0)],
      statuses: { prod: { ...status, serviceAheadMs: HOUR_MS }, staging: status },
    };
    const matching = (q: string) => firstScreen(skewed, { q, sort: '' }, NOW_MS).matching;
    for (const q of ['age>9m age<11m', 'up>9m up<11m', 'left>19m left<21m']) expect(matching(q)).toBe(2);
    for (const q of ['age>11m', 'up<9m', 'left>21m', 'left<19m']) expect(matching(q)).toBe(0);
  });

  it('matches nothing for an invalid filter', () => {
    for (const q of ['age>', 'age>abc environment=development', 'environment=development age>'])
      expect(firstScreen(fleets, { q, sort: '' }, NOW_MS)).toMatchObject({
        matching: 0,
        sandboxes: [],
        total: 500,
      });
  });
});

describe('countStates', () => {
  it('counts running and paused sandboxes, and ignores unknown states', () => {
    const sandboxes = (['running', 'paused', 'unknown', 'running'] as const).map((state) => ({ state }));
    expect(countStates(sandboxes)).toEqual({ running: 2, paused: 1 });
    expect(countStates([rowWith().sandbox])).toEqual({ running: 1, paused: 0 });
  });
});
