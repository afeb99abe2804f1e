import { describe, expect, it, vi } from 'vitest';
import { rowWith } from '@/lib/fleet/test-fleet';
import { CAPABILITY_FACTS } from '@/lib/sandbox/capabilities';
import { sandboxActs, whyNot } from './sandbox-acts';

const { sandbox: running } = rowWith();
const { sandbox: paused } = rowWith({ state: 'paused' });

/** A service that offers everything. */
const ALL = { lacking: {} };
const NO_PAUSE = { pause: CAPABILITY_FACTS.pause.lacking };

describe('whyNot', () => {
  it('is null if role and state allow the action', () => {
    expect(whyNot(running, 'kill', { ...ALL, role: 'admin' })).toBeNull();
    expect(whyNot(running, 'pause', { ...ALL, role: 'operator' })).toBeNull();
    expect(whyNot(paused, 'resume', { ...ALL, role: 'admin' })).toBeNull();
  });

  it.each([
    [running, 'pause', { role: 'viewer' }, 'Requires the operator role.'],
    [running, 'kill', { role: 'operator' }, 'Requires the admin role.'],
    [running, 'kill', { role: 'admin', underWay: 'kill' }, 'Another action is in progress.'],
    [running, 'kill', { role: 'operator', isGone: true }, 'The sandbox is terminated.'],
    [running, 'pause', { role: 'viewer', lacking: NO_PAUSE }, 'Requires the operator role.'],
    [running, 'pause', { role: 'operator', lacking: NO_PAUSE }, 'This service cannot pause sandboxes.'],
    [paused, 'pause', { role: 'operator', lacking: NO_PAUSE }, 'This service cannot pause sandboxes.'],
    [running, 'resume', { role: 'operator', lacking: NO_PAUSE }, 'It is already running.'],
    [running, 'resume', { role: 'operator' }, 'It is already running.'],
    [paused, 'run', { role: 'operator' }, 'It is paused. Resume it first.'],
    [paused, 'setTimeout', { role: 'admin' }, 'A paused sandbox has no deadline. Resume it first.'],
  ] as const)('says the reason', (sandbox, act, circumstances, reason) => {
    expect(whyNot(sandbox, act, { ...ALL, ...circumstances })).toBe(reason);
  });
});

describe('sandboxActs', () => {
  const handlers = {
    onKill: vi.fn(),
    onPause: vi.fn(),
    onResume: vi.fn(),
    onSetTimeout: vi.fn(),
    onRun: vi.fn(),
  };

  it('offers every action, with the reason if it is unavailable', () => {
    const acts = sandboxActs(paused, { ...ALL, role: 'admin' }, handlers);
    expect(acts.map(({ disabledReason }) => disabledReason !== null)).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
    expect(acts.filter(({ tone }) => tone === 'danger').map(({ label }) => label)).toEqual(['Kill…']);
  });

  it('passes the sandbox to the handler', () => {
    for (const { onActivate } of sandboxActs(running, { ...ALL, role: 'admin' }, handlers)) onActivate();
    for (const handler of Object.values(handlers)) expect(handler.mock.calls).toEqual([[[running]]]);
  });
});
