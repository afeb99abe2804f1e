import { keepExisting, NOTHING_SELECTED, type Selection } from './selection';
import { type FleetView, fleetStore } from './store';

/** The selection of this tab. Outside the page, so that it survives opening a sandbox and returning. */
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

  /** Removes sandboxes that have left the fleet, once the fleet is completely known. */
  follow({ rows, status }: FleetView): void {
    if (rows === null || rows === this.#rows || status.asOfMs === null) return;
    this.#rows = rows;
    this.update((now) => keepExisting(now, rows));
  }
}

let tabSelection: SelectionStore | null = null;

/** Only in the browser. */
export function fleetSelection(): SelectionStore {
  if (tabSelection) return tabSelection;
  const store = new SelectionStore();
  tabSelection = store;
  fleetStore().subscribe(() => store.follow(fleetStore().view()));
  return store;
}
