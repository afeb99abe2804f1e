import { describe, expect, it } from 'vitest';
import { type FleetStatus, NOTHING_READ } from './delta';
import { mergeStatus } from './merged-status';

const statusWith = (changes: Partial<FleetStatus> = {}): FleetStatus => ({
  ...NOTHING_READ,
  asOfMs: 10,
  ...changes,
});
const away = { code: 'unavailable', message: 'Away.' } as const;
const refused = { code: 'unauthenticated', message: 'Refused.' } as const;

describe('mergeStatus', () => {
  it('says that nothing has been read without connections', () => {
    expect(mergeStatus([])).toEqual(NOTHING_READ);
  });

  it('returns the status of a single connection itself, with its limit', () => {
    const status = statusWith({ maxRunning: 20, problem: away, lacking: { pause: 'No.' } });
    expect(mergeStatus([status])).toBe(status);
  });

  it('is as old as the oldest reading, and passes over connections that have not been read', () => {
    const [old, young, unread] = [5, 9, null].map((asOfMs) => statusWith({ asOfMs }));
    if (!old || !young || !unread) throw new Error('Three statuses are needed.');
    expect(mergeStatus([young, old]).asOfMs).toBe(5);
    expect(mergeStatus([unread, young]).asOfMs).toBe(9);
    expect(mergeStatus([unread, unread]).asOfMs).toBeNull();
    expect(mergeStatus([young, statusWith({ asOfMs: 0 })]).asOfMs).toBe(0);
  });

  it('has the problem of the first connection that has one', () => {
    const [fine, first, second] = [null, away, refused].map((problem) => statusWith({ problem }));
    if (!fine || !first || !second) throw new Error('Three statuses are needed.');
    expect(mergeStatus([fine, second, first]).problem).toBe(refused);
    expect(mergeStatus([fine, fine]).problem).toBeNull();
  });

  it('adds the unreadable rows, and is endless if one list is', () => {
    const [one, other] = [statusWith({ unreadable: 2 }), statusWith({ unreadable: 3, isEndless: true })];
    expect(mergeStatus([one, other])).toMatchObject({ unreadable: 5, isEndless: true });
    expect(mergeStatus([one, one])).toMatchObject({ unreadable: 4, isEndless: false });
  });

  it('has no limit of running sandboxes, which is a connection’s own', () => {
    expect(
      mergeStatus([statusWith({ maxRunning: 20 }), statusWith({ maxRunning: 20 })]).maxRunning,
    ).toBeNull();
  });

  it('lacks only what all connections lack, in the words of the first', () => {
    const merged = mergeStatus([
      statusWith({ lacking: { pause: 'First.', logs: 'First.' } }),
      statusWith({ lacking: { logs: 'Second.', resume: 'Second.' } }),
    ]);
    expect(merged.lacking).toEqual({ logs: 'First.' });
    expect(mergeStatus([statusWith({ lacking: { pause: 'First.' } }), statusWith()]).lacking).toEqual({});
    expect(mergeStatus([statusWith(), statusWith({ lacking: { pause: 'Second.' } })]).lacking).toEqual({});
  });
});
