import { describe, expect, it } from 'vitest';
import { rowWith } from '../fleet/test-fleet';
import { SANDBOX_ACTS, sandboxCan, sandboxCannot } from '../sandbox/can';
import { SandboxState } from '../sandbox/schema';
import { driftOf, partition } from './plan';

const running = rowWith({ id: 'running' }).sandbox;
const paused = rowWith({ id: 'paused', state: 'paused' }).sandbox;
const unknown = rowWith({ id: 'unknown', state: 'unknown' }).sandbox;
const read = new Map([
  ['running', running],
  ['paused', paused],
  ['unknown', unknown],
  ['gone', null],
]);

describe('partition', () => {
  it.each([
    ['kill', ['running', 'paused', 'unknown']],
    ['pause', ['running']],
    ['resume', ['paused']],
    ['setTimeout', ['running']],
  ] as const)('%s reaches %j', (act, reached) => {
    const { targets, skipped } = partition(act, read);
    expect(targets.map(({ id }) => id)).toEqual(reached);
    expect([...targets.map(({ id }) => id), ...skipped.map(({ sandboxId }) => sandboxId)].toSorted()).toEqual(
      [...read.keys()].toSorted(),
    );
    for (const { reason } of skipped) expect(reason).toMatch(/^[A-Z].+\.$/);
  });

  it('says why each one is left out', () => {
    expect(partition('pause', read).skipped).toEqual([
      { sandboxId: 'paused', reason: 'It is already paused.' },
      { sandboxId: 'unknown', reason: 'Its state is not one this version knows.' },
      { sandboxId: 'gone', reason: 'It is already terminated.' },
    ]);
  });
});

describe('driftOf', () => {
  it('sees another state and another run, and nothing else', () => {
    expect(driftOf(running, { ...running, endAtMs: 1, metadata: { a: 'b' } })).toBeNull();
    expect(driftOf(running, { ...running, state: 'paused' })).toBe('it was running and is now paused');
    expect(driftOf(running, { ...running, startedAtMs: 1 })).toBe('it was resumed meanwhile');
  });
});

describe('the rule table', () => {
  it('has a verdict for every state and act, and every state can be killed', () => {
    for (const state of SandboxState.options) {
      for (const act of SANDBOX_ACTS) expect(sandboxCan(state, act)).toBe(sandboxCannot(state, act) === null);
      expect(sandboxCan(state, 'kill')).toBe(true);
    }
  });
});
