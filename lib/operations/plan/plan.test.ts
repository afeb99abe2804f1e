import { describe, expect, it } from 'vitest';
import { rowWith } from '../../fleet/test-fleet';
import type { SandboxAct } from '../../sandbox/can';
import { SANDBOX_ACTS, sandboxCan, sandboxCannot } from '../../sandbox/can';
import { type Sandbox, SandboxState } from '../../sandbox/schema';
import type { SandboxKey } from '../../sandbox-key';
import { driftOf, partition, phraseFor } from './plan';

const running = rowWith({ id: 'running' }).sandbox;
const paused = rowWith({ id: 'paused', state: 'paused' }).sandbox;
const unknown = rowWith({ id: 'unknown', state: 'unknown' }).sandbox;
const kept = rowWith({ id: 'kept', metadata: { protected: 'True ' } }).sandbox;
/** The same id in another connection is another sandbox. */
const namesake = rowWith({ key: 'other/running', id: 'running', state: 'paused' }).sandbox;
type Read = ReadonlyMap<SandboxKey, Sandbox | null>;
const readingOf = (...sandboxes: Sandbox[]): Read => new Map(sandboxes.map((one) => [one.key, one]));
const read: Read = new Map([...readingOf(running, paused, unknown), ['local/gone', null]]);

const split = (act: SandboxAct, of: Read, busy: SandboxKey[] = []) =>
  partition(act, { read: of, protectedKey: 'protected', busy: new Set(busy) });

describe('partition', () => {
  it.each([
    ['kill', ['running', 'paused', 'unknown']],
    ['pause', ['running']],
    ['resume', ['paused']],
    ['setTimeout', ['running']],
  ] as const)('%s targets %j', (act, reached) => {
    const { targets, skipped } = split(act, read);
    expect(targets.map(({ id }) => id)).toEqual(reached);
    expect(
      [...targets.map(({ key }) => key), ...skipped.map(({ sandboxKey }) => sandboxKey)].toSorted(),
    ).toEqual([...read.keys()].toSorted());
    for (const { reason } of skipped) expect(reason).toMatch(/^[A-Z].+\.$/);
  });

  it('gives a reason for each skipped sandbox', () => {
    expect(split('pause', read).skipped).toEqual([
      { sandboxKey: 'local/paused', kind: 'state', reason: 'It is already paused.', sandbox: paused },
      {
        sandboxKey: 'local/unknown',
        kind: 'state',
        reason: 'This version of Sandkeeper does not know its state.',
        sandbox: unknown,
      },
      { sandboxKey: 'local/gone', kind: 'gone', reason: 'It is already terminated.', sandbox: null },
    ]);
  });

  it('skips protected sandboxes in bulk kills and pauses only', () => {
    const both = readingOf(running, kept);
    for (const act of ['kill', 'pause'] as const) {
      expect(split(act, both).targets).toEqual([running]);
      expect(split(act, both).skipped).toEqual([
        {
          sandboxKey: 'local/kept',
          kind: 'protected',
          reason: 'It is protected by protected=true.',
          sandbox: kept,
        },
      ]);
    }
    expect(split('setTimeout', both).targets).toEqual([running, kept]);
  });

  it('targets a single protected sandbox', () => {
    expect(split('kill', readingOf(kept)).targets).toEqual([kept]);
  });

  it('protects only by the configured key with the value true', () => {
    const bulk = (metadata: Record<string, string>) =>
      partition('kill', {
        read: readingOf(running, rowWith({ id: 'other', metadata }).sandbox),
        protectedKey: 'keep',
        busy: new Set(),
      }).targets.length;
    expect(bulk({ keep: 'true' })).toBe(1);
    const harmless: Record<string, string>[] = [{ keep: 'false' }, { keep: '' }, { protected: 'true' }, {}];
    for (const metadata of harmless) expect(bulk(metadata)).toBe(2);
  });

  it('skips sandboxes of another operation', () => {
    expect(split('kill', read, ['local/running']).skipped).toContainEqual({
      sandboxKey: 'local/running',
      kind: 'busy',
      reason: 'Another operation is working on it.',
      sandbox: running,
    });
  });

  it('tells sandboxes of different connections with the same id apart', () => {
    const both = readingOf(running, namesake);
    expect(split('kill', both, ['local/running'])).toMatchObject({
      targets: [{ key: 'other/running' }],
      skipped: [{ sandboxKey: 'local/running', kind: 'busy' }],
    });
    expect(split('pause', both)).toMatchObject({
      targets: [{ key: 'local/running' }],
      skipped: [{ sandboxKey: 'other/running', kind: 'state' }],
    });
  });
});

describe('phraseFor', () => {
  it('is the count of a bulk kill, the id of a protected sandbox, or null', () => {
    expect(phraseFor('kill', [running, paused], 'protected')).toBe('kill 2');
    expect(phraseFor('kill', [kept], 'protected')).toBe('kept');
    expect(phraseFor('kill', [running], 'protected')).toBeNull();
    expect(phraseFor('kill', [], 'protected')).toBeNull();
    expect(phraseFor('pause', [running, paused], 'protected')).toBeNull();
  });
});

describe('driftOf', () => {
  it('reports another state and another lifetime, and nothing else', () => {
    expect(driftOf(running, { ...running, endAtMs: 1, metadata: { a: 'b' } }, null)).toBeNull();
    expect(driftOf(running, { ...running, state: 'paused' }, null)).toBe('it was running and is now paused');
    expect(driftOf(running, { ...running, startedAtMs: 1 }, null)).toBe('it was resumed in the meantime');
  });

  it('reports new protection if a key is given', () => {
    const now = { ...running, metadata: { protected: 'true' } };
    expect(driftOf(running, now, 'protected')).toBe('it is now protected');
    expect(driftOf(running, now, null)).toBeNull();
    expect(driftOf(kept, kept, 'protected')).toBeNull();
  });
});

describe('the rule table', () => {
  it('covers every state and action, and allows a kill in every state', () => {
    for (const state of SandboxState.options) {
      for (const act of SANDBOX_ACTS) expect(sandboxCan(state, act)).toBe(sandboxCannot(state, act) === null);
      expect(sandboxCan(state, 'kill')).toBe(true);
    }
  });
});
