import { describe, expect, it, vi } from 'vitest';
import { selectRows, toggle } from './selection';
import { SelectionStore } from './selection-store';
import type { FleetView } from './store';
import { rowWith } from './test-fleet';

const rows = (...ids: string[]) => ids.map((id) => rowWith({ id }));
const view = (ids: string[] | null, asOfMs: number | null = 1): FleetView => ({
  rows: ids === null ? null : rows(...ids),
  status: {
    asOfMs,
    problem: null,
    unreadable: 0,
    isEndless: false,
    serviceAheadMs: 0,
    maxRunning: null,
    lacking: {},
  },
});

function storeWith(...ids: string[]) {
  const store = new SelectionStore();
  store.update((now) => selectRows(now, rows(...ids)));
  return store;
}

describe('SelectionStore', () => {
  it('notifies listeners only of changes', () => {
    const store = new SelectionStore();
    const listener = vi.fn();
    const stop = store.subscribe(listener);
    store.update((now) => toggle(now, 'a'));
    store.update((now) => now);
    store.follow(view(['a', 'b']));
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
    store.update((now) => toggle(now, 'b'));
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('unselects sandboxes that leave the fleet, even if they return', () => {
    const store = storeWith('a', 'b');
    store.follow(view(['b', 'c']));
    expect([...store.selection().ids]).toEqual(['b']);
    store.follow(view(['a', 'b', 'c']));
    expect([...store.selection().ids]).toEqual(['b']);
  });

  it('keeps the selection until the fleet is completely known', () => {
    const store = storeWith('a', 'b');
    store.follow(view(null));
    store.follow(view(['b'], null));
    expect([...store.selection().ids]).toEqual(['a', 'b']);
    store.follow(view(['a', 'b']));
    expect([...store.selection().ids]).toEqual(['a', 'b']);
  });
});
