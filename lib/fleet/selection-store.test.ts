import { describe, expect, it, vi } from 'vitest';
import { idOf, type SandboxKey } from '../sandbox-key';
import { type FleetStatus, NOTHING_READ } from './delta';
import { type FleetsView, NO_FLEETS } from './fleets';
import { selectRows, toggle } from './selection';
import { SelectionStore } from './selection-store';
import { rowWith } from './test-fleet';

const rows = (...keys: SandboxKey[]) => keys.map((key) => rowWith({ key, id: idOf(key) }));
const statusAt = (asOfMs: number | null): FleetStatus => ({ ...NOTHING_READ, asOfMs });
const view = (keys: SandboxKey[] | null, asOfMs: number | null = 1): FleetsView => ({
  ...NO_FLEETS,
  rows: keys === null ? null : rows(...keys),
  statuses: new Map([['local', statusAt(asOfMs)]]),
});

function storeWith(...keys: SandboxKey[]) {
  const store = new SelectionStore();
  store.update((now) => selectRows(now, rows(...keys)));
  return store;
}

describe('SelectionStore', () => {
  it('notifies listeners only of changes', () => {
    const store = new SelectionStore();
    const listener = vi.fn();
    const stop = store.subscribe(listener);
    store.update((now) => toggle(now, 'local/a'));
    store.update((now) => now);
    store.follow(view(['local/a', 'local/b']));
    expect(listener).toHaveBeenCalledTimes(1);
    stop();
    store.update((now) => toggle(now, 'local/b'));
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it('unselects sandboxes that leave the fleet, even if they return', () => {
    const store = storeWith('local/a', 'local/b');
    store.follow(view(['local/b', 'local/c']));
    expect([...store.selection().keys]).toEqual(['local/b']);
    store.follow(view(['local/a', 'local/b', 'local/c']));
    expect([...store.selection().keys]).toEqual(['local/b']);
  });

  it('keeps the selection until the fleet is completely known', () => {
    const store = storeWith('local/a', 'local/b');
    store.follow(view(null));
    store.follow(view(['local/b'], null));
    expect([...store.selection().keys]).toEqual(['local/a', 'local/b']);
    store.follow(view(['local/a', 'local/b']));
    expect([...store.selection().keys]).toEqual(['local/a', 'local/b']);
  });

  it('keeps the sandboxes of a fleet that is not completely known, and of one that has not arrived', () => {
    const store = storeWith('local/a', 'local/b', 'prod/a', 'new/a');
    store.follow({
      ...view(['local/b']),
      statuses: new Map([
        ['local', statusAt(1)],
        ['prod', statusAt(null)],
      ]),
    });
    expect([...store.selection().keys]).toEqual(['local/b', 'prod/a', 'new/a']);
  });
});
