import { describe, expect, it } from 'vitest';
import { TabInputs } from './tab-inputs';

const input = (seq: number, after: number) => ({ seq, after, bytes: new Uint8Array(1) });

describe('earlierRefusal', () => {
  it('returns the reason until the tab knows of the refusal', () => {
    const tabInputs = new TabInputs();
    expect(tabInputs.earlierRefusal('tab', input(1, 0))).toBeNull();
    tabInputs.recordRefused('tab', 'not_open');
    for (const seq of [2, 3, 4]) expect(tabInputs.earlierRefusal('tab', input(seq, 0))).toBe('not_open');
    // Inherited refusals do not count: a held key types again as soon as the tab knows of the first one.
    expect(tabInputs.earlierRefusal('tab', input(5, 1))).toBeNull();
  });

  it('counts a failure that is reported after a later refusal', () => {
    const tabInputs = new TabInputs();
    tabInputs.recordRefused('tab', 'not_open');
    expect(tabInputs.earlierRefusal('tab', input(3, 1))).toBeNull();
    tabInputs.recordRefused('tab', 'failed');
    expect(tabInputs.earlierRefusal('tab', input(3, 1))).toBe('failed');
  });

  it('does not affect other tabs', () => {
    const tabInputs = new TabInputs();
    tabInputs.recordRefused('tab', 'failed');
    expect(tabInputs.earlierRefusal('other', input(1, 0))).toBeNull();
    expect([tabInputs.refusals('tab'), tabInputs.refusals('other')]).toEqual([1, 0]);
  });
});

it('forgets the oldest tab beyond the limit', () => {
  const tabInputs = new TabInputs();
  tabInputs.recordRefused('first', 'failed');
  for (let tab = 0; tab < 40; tab += 1) tabInputs.recordTyped(`tab-${tab}`, 1);
  expect(tabInputs.earlierRefusal('first', input(9, 1))).toBe('failed');
  expect(tabInputs.refusals('first')).toBe(0);
  expect(tabInputs.earlierRefusal('first', input(10, 0))).toBeNull();
  expect(tabInputs.typed('tab-39')).toBe(1);
});
