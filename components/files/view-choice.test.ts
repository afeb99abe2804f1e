import { expect, it } from 'vitest';
import { parseView, printView } from './view-choice';

it('round-trips', () => {
  for (const view of [
    { showsHidden: true, listPx: null, wraps: false },
    { showsHidden: false, listPx: 420, wraps: true },
  ])
    expect(parseView(printView(view))).toEqual(view);
});

it('shows hidden files by default', () => {
  expect(parseView(undefined)).toEqual({ showsHidden: true, listPx: null, wraps: false });
  expect(parseView('nonsense.-5')).toEqual({ showsHidden: false, listPx: null, wraps: false });
  expect(parseView('hidden.99999')).toEqual({ showsHidden: true, listPx: null, wraps: false });
});
