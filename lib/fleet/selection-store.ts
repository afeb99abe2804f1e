import { keepExisting, NOTHING_SELECTED, type Selection } from './selection';
import { type FleetView, fleetStore } from './store';

/** What is selected in this tab. Kept outside the page, so that looking into one sandbox and coming back loses nothing. */
export class SelectionStore {
  readonly #listeners = new Set<() => void>();
  #selection = NOTHING_SELECTED;
  #rows: FleetView['rows'] = null;

  readonly selection = (): Selection => this.#selection;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly update = (change: (now: Selection) => Selection): void => {
    const next = change(this.#selection);
    if (next === this.#selection) return;
    this.#selection = next;
    for (const listener of this.#listeners) listener();
  };

  /** Forgets what the fleet no longer has. Before a whole reading, nothing is known to be absent. */
  follow({ rows, status }: FleetView): void {
    if (rows === null || rows === this.#rows || status.asOfMs === null) return;
    this.#rows = rows;
    this.update((now) => keepExisting(now, rows));
  }
}

let tabSelection: SelectionStore | null = null;

/** The selection of this tab. In the browser only. */
export function fleetSelection(): SelectionStore {
  if (tabSelection) return tabSelection;
  const store = new SelectionStore();
  tabSelection = store;
  fleetStore().subscribe(() => store.follow(fleetStore().view()));
  return store;
}
