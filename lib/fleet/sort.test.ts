import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';
import { compareBy, parseSort, printSort, type SortDirection, type SortKey, sortRows } from './sort';
import { mixedFleet, NOW_MS, rowWith } from './test-fleet';

const KEYS: SortKey[] = [
  'connection',
  'state',
  'id',
  'template',
  'age',
  'left',
  'size',
  'started',
  'meta:run',
  'meta:nothing',
];
const DIRECTIONS: SortDirection[] = ['asc', 'desc'];

function idsBy(key: SortKey, direction: SortDirection, fleet: Partial<Sandbox>[]): string[] {
  return sortRows(
    fleet.map((changes) => rowWith(changes)),
    { key, direction },
  ).map((row) => row.sandbox.id);
}

describe('sortRows', () => {
  it('sorts by age and by time left, smallest first', () => {
    const fleet = [
      { id: 'old', startedAtMs: NOW_MS - 9000, endAtMs: NOW_MS + 5 },
      { id: 'young', startedAtMs: NOW_MS - 1000, endAtMs: NOW_MS + 9 },
    ];
    expect(idsBy('age', 'asc', fleet)).toEqual(['young', 'old']);
    expect(idsBy('started', 'asc', fleet)).toEqual(['old', 'young']);
    expect(idsBy('left', 'asc', fleet)).toEqual(['old', 'young']);
  });

  it('sorts missing values last in both directions', () => {
    const fleet: Partial<Sandbox>[] = [
      { id: 'none', metadata: {}, state: 'paused', endAtMs: 1 },
      { id: 'b', metadata: { run: 'pr-10' }, endAtMs: 2 },
      { id: 'a', metadata: { run: 'pr-9' }, endAtMs: 3 },
    ];
    expect(idsBy('meta:run', 'asc', fleet)).toEqual(['a', 'b', 'none']);
    expect(idsBy('meta:run', 'desc', fleet)).toEqual(['b', 'a', 'none']);
    expect(idsBy('left', 'asc', fleet)).toEqual(['b', 'a', 'none']);
    expect(idsBy('left', 'desc', fleet)).toEqual(['a', 'b', 'none']);
  });

  it('sorts equal rows by id in both directions', () => {
    const fleet = [{ id: 'b' }, { id: 'a' }, { id: 'c' }];
    for (const direction of DIRECTIONS) expect(idsBy('template', direction, fleet)).toEqual(['a', 'b', 'c']);
    expect(idsBy('id', 'desc', fleet)).toEqual(['c', 'b', 'a']);
  });

  it('sorts by connection', () => {
    const fleet = ['staging/a', 'prod/c', 'prod/b'].map((key) => ({
      key: key as SandboxKey,
      id: key.slice(-1),
    }));
    expect(idsBy('connection', 'asc', fleet)).toEqual(['b', 'c', 'a']);
    expect(idsBy('connection', 'desc', fleet)).toEqual(['a', 'b', 'c']);
  });

  it('compares the starts of services whose clocks differ', () => {
    const hour = { serviceAheadMs: 3_600_000 };
    const rows = [
      rowWith({ id: 'new', startedAtMs: NOW_MS - 1_000 }),
      rowWith({ id: 'old', startedAtMs: NOW_MS + 3_600_000 - 60_000 }, hour),
    ];
    const ids = (key: SortKey) => sortRows(rows, { key, direction: 'asc' }).map(({ sandbox }) => sandbox.id);
    for (const key of ['age', 'up'] as const) expect(ids(key)).toEqual(['new', 'old']);
    expect(ids('started')).toEqual(['old', 'new']);
  });

  it('sorts sizes by vCPUs, then memory', () => {
    const fleet = [
      { id: 'c', cpuCount: 4, memoryMB: 512 },
      { id: 'b', cpuCount: 2, memoryMB: 8192 },
      { id: 'a', cpuCount: 2, memoryMB: 1024 },
    ];
    expect(idsBy('size', 'asc', fleet)).toEqual(['a', 'b', 'c']);
  });

  it('agrees with compareBy', () => {
    const rows = mixedFleet(500);
    for (const key of KEYS) {
      for (const direction of DIRECTIONS) {
        expect(sortRows(rows, { key, direction })).toEqual(rows.toSorted(compareBy(key, direction)));
      }
    }
  });

  it('agrees with compareBy on text that collates as equal', () => {
    const values = fc.array(fc.constantFrom('a', 'A', 'á', '01', '1', 'a\u0000', '', 'a\u200b', 'pr-1'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(values, (texts) => {
        const rows = texts.map((text, at) => rowWith({ id: `i${at}`, metadata: { k: text } }));
        const sorted = sortRows(rows, { key: 'meta:k', direction: 'desc' });
        expect(sorted).toEqual(rows.toSorted(compareBy('meta:k', 'desc')));
      }),
    );
  });

  it('does not modify its input', () => {
    const rows = mixedFleet(5);
    const before = [...rows];
    sortRows(rows, { key: 'age', direction: 'asc' });
    expect(rows).toEqual(before);
  });
});

describe('parseSort and printSort', () => {
  it('are inverses', () => {
    for (const key of KEYS) {
      for (const direction of DIRECTIONS) {
        expect(parseSort(printSort({ key, direction }))).toEqual({ key, direction });
      }
    }
    expect(parseSort('-age')).toEqual({ key: 'age', direction: 'desc' });
    expect(parseSort('meta:-a b')).toEqual({ key: 'meta:-a b', direction: 'asc' });
  });

  it('reject unknown columns', () => {
    for (const text of ['', '-', 'agee', '--age', 'toString', 'Age']) expect(parseSort(text)).toBeNull();
  });
});
