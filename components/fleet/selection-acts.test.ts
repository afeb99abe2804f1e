import { describe, expect, it } from 'vitest';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { rowWith } from '@/lib/fleet/test-fleet';
import type { Role } from '@/lib/roles';
import { selectionActs } from './selection-acts';

const running = (id: string, metadata = {}) => rowWith({ id, metadata });
const paused = (id: string) => rowWith({ id, state: 'paused' });
const guarded = (id: string) => running(id, { keep: 'true' });

const IDLE = {
  roles: (): Role => 'admin',
  lacking: new Map(),
  underWay: new Map(),
  protectedKey: 'keep',
  bulkLimit: 5,
  blocked: null,
} as const;

function actsOn(rows: IndexedSandbox[], changes = {}) {
  const acts = selectionActs(rows, { ...IDLE, ...changes });
  const [run, setTimeout, resume, pause, kill] = acts.map(({ label, sandboxes, reason }) => ({
    label,
    ids: sandboxes.map(({ id }) => id).join(' '),
    reason,
  }));
  return { run, setTimeout, resume, pause, kill };
}

describe('selectionActs', () => {
  it('counts the sandboxes that each action fits', () => {
    expect(actsOn([running('a'), paused('b'), running('c')])).toEqual({
      // The dialog lists the excluded sandboxes.
      run: { label: 'Run in 2…', ids: 'a b c', reason: null },
      setTimeout: { label: 'Set time left of 2…', ids: 'a c', reason: null },
      resume: { label: 'Resume 1…', ids: 'b', reason: null },
      pause: { label: 'Pause 2', ids: 'a c', reason: null },
      kill: { label: 'Kill 3…', ids: 'a b c', reason: null },
    });
  });

  it('asks the connection of each row what its service lacks', () => {
    const lacking = new Map([
      ['local', { pause: 'This service cannot pause sandboxes.' }],
      ['prod', {}],
    ]);
    const rows = [running('a'), rowWith({ id: 'b', key: 'prod/b' })];
    expect(actsOn(rows, { lacking }).pause).toEqual({ label: 'Pause 1', ids: 'b', reason: null });
  });

  it('says what the service lacks, and still offers the rest', () => {
    const lacking = { pause: 'This service cannot pause sandboxes.' };
    const all = { lacking: new Map([['local', lacking]]) };
    const acts = actsOn([running('a'), running('b')], all);
    expect(acts.pause).toEqual({ label: 'Pause', ids: '', reason: lacking.pause });
    expect(acts.kill?.reason).toBeNull();
    expect(actsOn([paused('a')], all).pause?.reason).toBe(lacking.pause);
  });

  it('offers nothing while something is in the way of all of them', () => {
    const acts = actsOn([running('a'), paused('b')], { blocked: 'Correct the filter first.' });
    expect(Object.values(acts).map((act) => act?.reason)).toEqual(Array(5).fill('Correct the filter first.'));
  });

  it('gives the reason if an action fits none', () => {
    const acts = actsOn([paused('a'), paused('b')]);
    expect(acts.setTimeout).toMatchObject({ label: 'Set time left…', ids: '' });
    expect(acts.setTimeout?.reason).toContain('No selected sandbox is running.');
    expect(acts.pause).toMatchObject({ label: 'Pause', reason: 'No selected sandbox is running.' });
    expect(actsOn([running('a'), running('b')]).resume?.reason).toBe('No selected sandbox is paused.');
    expect(actsOn([running('a')]).resume?.reason).toBe('It is already running.');
    expect(actsOn([]).kill?.reason).toBe('No selected sandbox matches the filter.');
  });

  it('names the connection where a role is missing, and counts those the action would concern', () => {
    const on = (connection: string, id: string, state: 'running' | 'paused' = 'running') =>
      rowWith({ id, key: `${connection}/${id}`, state });
    const rows = [on('prod', 'a'), on('prod', 'b'), on('staging', 'c'), on('staging', 'd', 'paused')];
    const roles = (name: string): Role => (name === 'prod' ? 'admin' : 'viewer');
    const acts = actsOn(rows, { roles });
    expect(acts.kill?.reason).toBe('Requires the admin role on staging, where 2 of the 4 selected are.');
    expect(acts.pause?.reason).toBe('Requires the operator role on staging, where 1 of the 3 selected is.');
    expect(actsOn(rows.slice(0, 2), { roles }).kill?.reason).toBeNull();
    expect(
      actsOn([...rows.slice(0, 2), rows[3] ?? on('staging', 'e', 'paused')], { roles }).pause?.reason,
    ).toBeNull();
    expect(actsOn(rows.slice(2), { roles }).kill?.reason).toBe('Requires the admin role.');
    expect(actsOn(rows, { roles: () => 'viewer' }).kill?.reason).toBe(
      'Requires the admin role on prod, staging, where 4 of the 4 selected are.',
    );
  });

  it('names the missing role', () => {
    const rows = [running('a'), paused('b')];
    const reasons = (role: string) =>
      Object.values(actsOn(rows, { roles: () => role })).map((act) => act?.reason);
    expect(reasons('viewer')).toEqual([
      'Requires the operator role.',
      'Requires the operator role.',
      'Requires the operator role.',
      'Requires the operator role.',
      'Requires the admin role.',
    ]);
    expect(reasons('operator')).toEqual([null, null, null, null, 'Requires the admin role.']);
  });

  it('skips sandboxes with an action in progress', () => {
    const underWay = new Map([['local/a', { act: 'pause', operationId: 'o1' }]]);
    expect(actsOn([running('a'), running('b')], { underWay }).kill).toMatchObject({
      label: 'Kill 1…',
      ids: 'b',
    });
    underWay.set('local/b', { act: 'pause', operationId: 'o1' });
    expect(actsOn([running('a'), running('b')], { underWay }).kill?.reason).toContain(
      'in progress on each of them',
    );
  });

  it('refuses more sandboxes than one operation can include', () => {
    const many = Array.from({ length: 6 }, (_, at) => running(`r${at}`));
    expect(actsOn(many.slice(1)).pause).toMatchObject({ label: 'Pause 5', reason: null });
    expect(actsOn(many).pause?.label).toBe('Pause 6');
    expect(actsOn(many).kill?.reason).toContain('at most 5 sandboxes');
  });

  it('does not count protected sandboxes in a bulk pause or kill, but passes them to the plan of a kill', () => {
    const acts = actsOn([running('a'), guarded('b'), running('c')]);
    expect(acts.pause).toEqual({ label: 'Pause 2', ids: 'a c', reason: null });
    expect(acts.kill).toEqual({ label: 'Kill 2…', ids: 'a b c', reason: null });
    expect(acts.setTimeout).toEqual({ label: 'Set time left of 3…', ids: 'a b c', reason: null });
  });

  it('allows one protected sandbox, but not several', () => {
    expect(actsOn([guarded('a')]).kill).toEqual({ label: 'Kill 1…', ids: 'a', reason: null });
    const acts = actsOn([guarded('a'), guarded('b')]);
    expect(acts.kill?.label).toBe('Kill…');
    expect(acts.kill?.reason).toContain('one at a time');
    expect(acts.pause?.reason).toBe('All are protected. Select one at a time.');
    const others = actsOn([guarded('a'), guarded('b'), paused('c')]);
    expect(others.pause?.reason).toBe('The remaining sandboxes are protected. Select one at a time.');
  });
});
