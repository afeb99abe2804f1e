import { describe, expect, it } from 'vitest';
import { Typists } from './typists';

const input = (seq: number, after: number) => ({ seq, after, bytes: new Uint8Array(1) });

describe('what was sent behind refused input', () => {
  it('goes the same way until its tab has heard of the refusal, and no longer', () => {
    const typists = new Typists();
    expect(typists.misled('tab', input(1, 0))).toBeNull();
    typists.noteRefused('tab', 'not_open');
    for (const seq of [2, 3, 4]) expect(typists.misled('tab', input(seq, 0))).toBe('not_open');
    // Those were no refusals of their own: a key that is held down is typed again as soon as the tab knows of the first.
    expect(typists.misled('tab', input(5, 1))).toBeNull();
  });

  it('also when an earlier one fails after a later one was refused', () => {
    const typists = new Typists();
    typists.noteRefused('tab', 'not_open');
    expect(typists.misled('tab', input(3, 1))).toBeNull();
    typists.noteRefused('tab', 'failed');
    expect(typists.misled('tab', input(3, 1))).toBe('failed');
  });

  it('is nothing to other tabs', () => {
    const typists = new Typists();
    typists.noteRefused('tab', 'failed');
    expect(typists.misled('other', input(1, 0))).toBeNull();
    expect([typists.refusals('tab'), typists.refusals('other')]).toEqual([1, 0]);
  });
});

it('a tab that was forgotten is told where it stands', () => {
  const typists = new Typists();
  typists.noteRefused('first', 'failed');
  for (let tab = 0; tab < 40; tab += 1) typists.noteTyped(`tab-${tab}`, 1);
  expect(typists.misled('first', input(9, 1))).toBe('failed');
  expect(typists.refusals('first')).toBe(0);
  expect(typists.misled('first', input(10, 0))).toBeNull();
  expect(typists.typed('tab-39')).toBe(1);
});
