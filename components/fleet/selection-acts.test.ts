import { describe, expect, it } from 'vitest';
import type { IndexedSandbox } from '@/lib/fleet/row-index';
import { rowWith } from '@/lib/fleet/test-fleet';
import { selectionActs } from './selection-acts';

const running = (id: string, metadata = {}) => rowWith({ id, metadata });
const paused = (id: string) => rowWith({ id, state: 'paused' });
const guarded = (id: string) => running(id, { keep: 'true' });

const NOBODY_ACTS = { role: 'admin', underWay: new Map(), protectedKey: 'keep', bulkLimit: 5 } as const;

function actsOn(rows: IndexedSandbox[], changes = {}) {
  const acts = selectionActs(rows, { ...NOBODY_ACTS, ...changes });
  const [run, setTimeout, resume, pause, kill] = acts.map(({ label, sandboxes, reason }) => ({
    label,
    ids: sandboxes.map(({ id }) => id).join(' '),
    reason,
  }));
  return { run, setTimeout, resume, pause, kill };
}

describe('selectionActs', () => {
  it('counts for each act only those that it makes sense for', () => {
    expect(actsOn([running('a'), paused('b'), running('c')])).toEqual({
      // Its dialog says who is left alone.
      run: { label: 'Run in 2…', ids: 'a b c', reason: null },
      setTimeout: { label: 'Set time left of 2…', ids: 'a c', reason: null },
      resume: { label: 'Resume 1…', ids: 'b', reason: null },
      pause: { label: 'Pause 2', ids: 'a c', reason: null },
      kill: { label: 'Kill 3…', ids: 'a b c', reason: null },
    });
  });

  it('says why where it makes sense for none', () => {
    const acts = actsOn([paused('a'), paused('b')]);
    expect(acts.setTimeout).toMatchObject({ label: 'Set time left…', ids: '' });
    expect(acts.setTimeout?.reason).toContain('None of them is running');
    expect(acts.pause).toMatchObject({ label: 'Pause', reason: 'None of them is running.' });
    expect(actsOn([running('a'), running('b')]).resume?.reason).toBe('None of them is paused.');
    expect(actsOn([running('a')]).resume?.reason).toBe('It is already running.');
    expect(actsOn([]).kill?.reason).toBe('Nothing that is selected passes the filter.');
  });

  it('says which role is missing', () => {
    const rows = [running('a'), paused('b')];
    const reasons = (role: string) => Object.values(actsOn(rows, { role })).map((act) => act?.reason);
    expect(reasons('viewer')).toEqual([
      'This needs the role operator.',
      'This needs the role operator.',
      'This needs the role operator.',
      'This needs the role operator.',
      'This needs the role admin.',
    ]);
    expect(reasons('operator')).toEqual([null, null, null, null, 'This needs the role admin.']);
  });

  it('leaves alone what something is being done to', () => {
    const underWay = new Map([['a', { act: 'pause', operationId: 'o1' }]]);
    expect(actsOn([running('a'), running('b')], { underWay }).kill).toMatchObject({
      label: 'Kill 1…',
      ids: 'b',
    });
    underWay.set('b', { act: 'pause', operationId: 'o1' });
    expect(actsOn([running('a'), running('b')], { underWay }).kill?.reason).toContain('each of them already');
  });

  it('says how many one operation takes where there are more', () => {
    const many = Array.from({ length: 6 }, (_, at) => running(`r${at}`));
    expect(actsOn(many.slice(1)).pause).toMatchObject({ label: 'Pause 5', reason: null });
    expect(actsOn(many).pause?.label).toBe('Pause 6');
    expect(actsOn(many).kill?.reason).toContain('takes 5 at most');
  });

  it('counts no protected ones in a bulk that would stop them; the plan of a kill still names them', () => {
    const acts = actsOn([running('a'), guarded('b'), running('c')]);
    expect(acts.pause).toEqual({ label: 'Pause 2', ids: 'a c', reason: null });
    expect(acts.kill).toEqual({ label: 'Kill 2…', ids: 'a b c', reason: null });
    expect(acts.setTimeout).toEqual({ label: 'Set time left of 3…', ids: 'a b c', reason: null });
  });

  it('takes a protected one by itself, but not several', () => {
    expect(actsOn([guarded('a')]).kill).toEqual({ label: 'Kill 1…', ids: 'a', reason: null });
    const acts = actsOn([guarded('a'), guarded('b')]);
    expect(acts.kill?.label).toBe('Kill…');
    expect(acts.kill?.reason).toContain('one at a time');
    expect(acts.pause?.reason).toBe('All are protected: those go one at a time.');
    const others = actsOn([guarded('a'), guarded('b'), paused('c')]);
    expect(others.pause?.reason).toBe('Only protected ones are left: those go one at a time.');
  });
});
