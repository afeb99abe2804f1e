import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mixedFleet, NOW_MS, rowWith } from '../../fleet/test-fleet';
import type { Metadata, Sandbox } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import { keyOf } from '../../sandbox-key';
import type { Skipped } from '../schema';
import { blastRadius, describeSkipped, divideByState, groupSkipped } from './blast-radius';

const LIMITS = { keys: 3, values: 3 };

function sandboxes(...metadata: Metadata[]): Sandbox[] {
  return metadata.map((one, at) => rowWith({ id: `i${at}`, metadata: one }).sandbox);
}

function keysOf(set: Sandbox[], limits = LIMITS): string[] {
  return blastRadius(set, limits).keys.map(({ key }) => key);
}

describe('blastRadius', () => {
  it('groups by state, template and metadata, most frequent first', () => {
    const set = [
      ...sandboxes({ team: 'agents' }, { team: 'evals' }, { team: 'agents' }, {}),
      rowWith({ state: 'paused', alias: 'python', startedAtMs: NOW_MS - 9_000 }).sandbox,
    ];
    expect(blastRadius(set, LIMITS)).toEqual({
      count: 5,
      states: [
        { state: 'running', count: 4 },
        { state: 'paused', count: 1 },
      ],
      templates: {
        values: [
          { value: 'base', count: 4 },
          { value: 'python', count: 1 },
        ],
        more: { values: 0, count: 0 },
        without: 0,
      },
      connections: [{ name: 'local', count: 5 }],
      keys: [
        {
          key: 'team',
          values: [
            { value: 'agents', count: 2 },
            { value: 'evals', count: 1 },
          ],
          more: { values: 0, count: 0 },
          without: 2,
        },
      ],
      shared: [],
      distinguishing: ['team'],
      ages: { oldestMs: NOW_MS - 7_200_000, newestMs: NOW_MS - 9_000 },
    });
  });

  it('ignores keys with one shared value or only unique values', () => {
    const set = Array.from({ length: 40 }, (_, at) => ({
      environment: 'development',
      task: `task-${at}`,
      // Almost unique.
      run: `run-${Math.floor(at * 0.7)}`,
      owner: at % 3 === 0 ? 'ana' : 'li',
    }));
    expect(keysOf(sandboxes(...set))).toEqual(['owner']);
    const { shared, distinguishing } = blastRadius(sandboxes(...set), LIMITS);
    expect(shared).toEqual([{ key: 'environment', value: 'development' }]);
    expect(distinguishing).toEqual(['task', 'run', 'owner']);
  });

  it('ignores rare keys', () => {
    const set = Array.from({ length: 41 }, (_, at): Metadata => (at < 10 ? { gpu: `a${at % 2}` } : {}));
    expect(keysOf(sandboxes(...set))).toEqual([]);
    expect(keysOf(sandboxes(...set.slice(0, 40)))).toEqual(['gpu']);
  });

  it('limits keys and values, and counts the rest', () => {
    const { keys } = blastRadius(
      mixedFleet(500).map(({ sandbox }) => sandbox),
      { keys: 2, values: 2 },
    );
    expect(keys).toHaveLength(2);
    for (const { key, values, more, without } of keys) {
      // One more value than the limit is listed.
      expect([key, values.length]).toEqual([key, more.values === 0 ? 3 : 2]);
      expect(more.values).not.toBe(1);
      expect(values.reduce((sum, { count }) => sum + count, more.count + without)).toBe(500);
    }
  });

  it('counts the sandboxes of each connection, the largest first', () => {
    const set = sandboxes({}, {}, {});
    const inProd = set.slice(1).map((sandbox) => ({ ...sandbox, key: keyOf('prod', sandbox.id) }));
    expect(blastRadius([...set.slice(0, 1), ...inProd], LIMITS).connections).toEqual([
      { name: 'prod', count: 2 },
      { name: 'local', count: 1 },
    ]);
  });

  it('lists all metadata of a single sandbox', () => {
    const { shared, distinguishing } = blastRadius(sandboxes({ team: 'agents' }), LIMITS);
    expect(shared).toEqual([{ key: 'team', value: 'agents' }]);
    expect(distinguishing).toEqual(['team']);
  });

  it('is empty for no sandboxes', () => {
    expect(blastRadius([], LIMITS)).toEqual({
      count: 0,
      states: [],
      templates: { values: [], more: { values: 0, count: 0 }, without: 0 },
      connections: [],
      keys: [],
      shared: [],
      distinguishing: [],
      ages: null,
    });
  });
});

describe('blastRadius of any set', () => {
  // Keys may be named like properties of every object.
  const word = fc.constantFrom('team', 'owner', '__proto__', 'constructor', 'a b', '\u202e', '');
  const someSandbox = fc
    .record({
      metadata: fc.array(fc.tuple(word, fc.constantFrom('x', 'y', '', 'toString', '7')), { maxLength: 5 }),
      state: fc.constantFrom('running' as const, 'paused' as const, 'unknown' as const),
      alias: fc.option(fc.constantFrom('base', 'python')),
      startedAtMs: fc.nat(),
    })
    .map(({ metadata, ...rest }) => rowWith({ ...rest, metadata: Object.fromEntries(metadata) }).sandbox);
  const someSet = fc.array(someSandbox, { maxLength: 60 });

  it('counts every sandbox once in every group', () => {
    fc.assert(
      fc.property(someSet, (set) => {
        const radius = blastRadius(set, LIMITS);
        expect(radius.states.reduce((sum, { count }) => sum + count, 0)).toBe(set.length);
        for (const { values, more, without } of [radius.templates, ...radius.keys])
          expect(values.reduce((sum, { count }) => sum + count, more.count + without)).toBe(set.length);
      }),
    );
  });

  it('chooses only keys that divide the set, up to the limit', () => {
    fc.assert(
      fc.property(someSet, fc.integer({ min: 0, max: 5 }), (set, keys) => {
        const chosen = blastRadius(set, { keys, values: 100 }).keys;
        expect(chosen.length).toBeLessThanOrEqual(keys);
        for (const { key, values, without } of chosen) {
          expect(values.length).toBeGreaterThan(1);
          expect(values[0]?.count).toBeGreaterThan(1);
          expect((set.length - without) * 4).toBeGreaterThanOrEqual(set.length);
          for (const { value, count } of values)
            expect(
              set.filter(({ metadata }) => Object.hasOwn(metadata, key) && metadata[key] === value),
            ).toHaveLength(count);
        }
      }),
    );
  });

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(someSet, (set) => {
        expect(blastRadius([...set].reverse(), LIMITS)).toEqual(blastRadius(set, LIMITS));
      }),
    );
  });
});

describe('skipped sandboxes', () => {
  const { sandbox: running } = rowWith();
  const { sandbox: paused } = rowWith({ state: 'paused' });
  const skip = (sandboxKey: SandboxKey, kind: Skipped['kind'], reason = ''): Skipped => ({
    sandboxKey,
    kind,
    reason,
    sandbox: kind === 'gone' ? null : paused,
  });

  it('are grouped by reason', () => {
    const skipped = [
      skip('local/i1', 'state'),
      skip('local/i2', 'protected', 'It is protected by keep=true.'),
      skip('local/i3', 'gone'),
      skip('local/i4', 'state'),
      skip('local/i5', 'busy'),
    ];
    expect(
      groupSkipped('pause', skipped).map(({ reason, skipped: ones }) => [
        reason,
        ones.map((one) => one.sandboxKey),
      ]),
    ).toEqual([
      ['already gone', ['local/i3']],
      ['protected by keep=true', ['local/i2']],
      ['already paused', ['local/i1', 'local/i4']],
      ['in another operation', ['local/i5']],
    ]);
    expect(describeSkipped('pause', skipped)).toBe(
      '5 skipped: 1 already gone, 1 protected by keep=true, 2 already paused, 1 in another operation',
    );
    expect(describeSkipped('setTimeout', [skip('local/i1', 'state')])).toBe(
      '1 skipped: paused, without a deadline',
    );
    expect(describeSkipped('kill', [])).toBeNull();
  });

  it('are predicted from the known states', () => {
    const { able, skipped } = divideByState('setTimeout', [running, paused]);
    expect(able).toEqual([running]);
    expect(skipped).toEqual([
      {
        sandboxKey: paused.key,
        kind: 'state',
        reason: expect.stringContaining('no deadline'),
        sandbox: paused,
      },
    ]);
    expect(divideByState('kill', [running, paused]).skipped).toEqual([]);
  });
});
