import { connectionOf, type SandboxKey } from '../sandbox-key';
import { type FleetsView, fleets } from './fleets';
import { keepExisting, NOTHING_SELECTED, type Selection } from './selection';

/** The selection of this tab. Outside the page, so that it survives opening a sandbox and returning. */
export class SelectionStore {
  readonly #listeners = new Set<() => void>();
  #selection = NOTHING_SELECTED;
  #rows: FleetsView['rows'] = null;

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

  /** Removes sandboxes that have left their fleet, once that fleet is completely known. */
  follow({ rows, statuses }: FleetsView): void {
    if (rows === null || rows === this.#rows) return;
    this.#rows = rows;
    const isWhole = (key: SandboxKey) => statuses.get(connectionOf(key))?.asOfMs != null;
    this.update((now) => keepExisting(now, rows, isWhole));
  }
}

let tabSelection: SelectionStore | null = null;

/** Only in the browser. */
export function fleetSelection(): SelectionStore {
  if (tabSelection) return tabSelection;
  const store = new SelectionStore();
  tabSelection = store;
  fleets().subscribe(() => store.follow(fleets().view()));
  return store;
}
