import type { ShownConnection } from '../connection';
import { tabClock } from '../live/server-clock';
import { liveSocket } from '../live/socket';
import { LACKS_NOTHING, type Lacking } from '../sandbox/capabilities';
import type { Sandbox } from '../sandbox/schema';
import { type ConnectionName, connectionOf, keyOf, type SandboxKey } from '../sandbox-key';
import { type FleetEvent, type FleetSnapshot, type FleetStatus, NOTHING_READ } from './delta';
import { mergeStatus } from './merged-status';
import type { IndexedSandbox } from './row-index';
import { FleetStore, NOTHING_KNOWN } from './store';

/** The fleets of all connections. A new object after every change. */
export type FleetsView = {
  /**
   * `null` until the fleets have arrived. One that takes longer, because it could not be read yet, holds up no other: it
   * has no rows until it arrives.
   */
  rows: readonly IndexedSandbox[] | null;
  /** The status of all of them together. */
  status: FleetStatus;
  connections: readonly ShownConnection[];
  statuses: ReadonlyMap<ConnectionName, FleetStatus>;
  /** The connections whose rows have arrived. */
  arrived: ReadonlySet<ConnectionName>;
  /** What each service does not offer. The same object until that changes. */
  lacking: ReadonlyMap<ConnectionName, Lacking>;
};

/** What the service of a connection does not offer. Nothing before it is known. */
export function lackingOf(connection: ConnectionName, lacking: FleetsView['lacking']): Lacking {
  return lacking.get(connection) ?? LACKS_NOTHING;
}

/** Those whose service keeps the files of a paused sandbox, but not its processes. */
export function losingProcesses(sandboxes: readonly Sandbox[], lacking: FleetsView['lacking']): Sandbox[] {
  return sandboxes.filter(({ key }) => lackingOf(connectionOf(key), lacking).keepsMemory !== undefined);
}

/** The view before anything has arrived, and on the server. */
export const NO_FLEETS: FleetsView = {
  rows: null,
  status: NOTHING_READ,
  connections: [],
  statuses: new Map(),
  arrived: new Set(),
  lacking: new Map(),
};

type Follow = (name: ConnectionName, receive: (event: FleetEvent) => void) => () => void;

type Options = {
  fetchSnapshot: (name: ConnectionName, signal: AbortSignal) => Promise<FleetSnapshot>;
  /** Subscribes to the fleet of a connection, and returns a function that unsubscribes. */
  follow: Follow;
};

type Followed = { store: FleetStore; stop: () => void };

/** The fleets of this tab: one store for each connection, which follows it alone, and one view of all. */
export class Fleets {
  readonly #options: Options;
  readonly #listeners = new Set<() => void>();
  readonly #followed = new Map<ConnectionName, Followed>();
  #view: FleetsView = NO_FLEETS;

  constructor(options: Options) {
    this.#options = options;
  }

  readonly view = (): FleetsView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The row of this sandbox, or `undefined` if it is not in the fleet. */
  find(key: SandboxKey): IndexedSandbox | undefined {
    return this.#followed.get(connectionOf(key))?.store.find(key);
  }

  /** Whether any connection has a sandbox with this id. */
  hasId(id: string): boolean {
    return this.#view.connections.some(({ name }) => this.find(keyOf(name, id)) !== undefined);
  }

  /** Follows these connections and no others. */
  show(connections: readonly ShownConnection[]): void {
    const names = new Set(connections.map(({ name }) => name));
    for (const [name, { store, stop }] of this.#followed) {
      if (names.has(name)) continue;
      stop();
      store.close();
      this.#followed.delete(name);
    }
    for (const name of names) if (!this.#followed.has(name)) this.#follow(name);
    this.#update(connections);
  }

  #follow(name: ConnectionName): void {
    const store = new FleetStore((signal) => this.#options.fetchSnapshot(name, signal));
    store.subscribe(() => this.#update());
    const stop = this.#options.follow(name, (event) => store.receive(event));
    this.#followed.set(name, { store, stop });
  }

  #update(connections = this.#view.connections): void {
    const statuses = new Map<ConnectionName, FleetStatus>();
    const arrived = new Set<ConnectionName>();
    const parts: (readonly IndexedSandbox[])[] = [];
    let isWaiting = false;
    for (const { name } of connections) {
      const store = this.#followed.get(name)?.store;
      const view = store?.view() ?? NOTHING_KNOWN;
      if (view !== NOTHING_KNOWN) statuses.set(name, view.status);
      if (view.rows !== null) {
        parts.push(view.rows);
        arrived.add(name);
      }
      isWaiting ||= store?.isSettled !== true;
    }
    // The page is served with the rows of all: showing those of one first would take the others away for a moment.
    const rows = isWaiting && this.#view.rows === null ? null : this.#joined(parts);
    const lacking = this.#lackingIn(statuses);
    this.#view = {
      rows,
      status: mergeStatus([...statuses.values()]),
      connections,
      statuses,
      arrived,
      lacking,
    };
    for (const listener of this.#listeners) listener();
  }

  #lackingIn(statuses: FleetsView['statuses']): FleetsView['lacking'] {
    const before = this.#view.lacking;
    const isSame =
      before.size === statuses.size &&
      [...statuses].every(([name, status]) => before.get(name) === status.lacking);
    return isSame ? before : new Map([...statuses].map(([name, status]) => [name, status.lacking]));
  }

  #parts: readonly (readonly IndexedSandbox[])[] = [];
  #rows: readonly IndexedSandbox[] | null = null;

  /** The same array while none of its parts has changed. */
  #joined(parts: readonly (readonly IndexedSandbox[])[]): readonly IndexedSandbox[] | null {
    const isSame = parts.length === this.#parts.length && parts.every((part, at) => part === this.#parts[at]);
    if (!isSame) {
      const [first = null, ...others] = parts;
      // `concat` copies whole arrays: ten times as fast as `flat`.
      this.#rows = first === null || others.length === 0 ? first : first.concat(...others);
      this.#parts = parts;
    }
    return this.#rows;
  }
}

/** Reads `/api/fleet/NAME`. Throws on failure. */
async function fetchPackedSnapshot(name: ConnectionName, signal: AbortSignal): Promise<FleetSnapshot> {
  const response = await fetch(`/api/fleet/${encodeURIComponent(name)}`, { cache: 'no-store', signal });
  if (!response.ok || response.body === null)
    throw new Error(`The fleet could not be loaded: ${response.status}`);
  const text = await new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).text();
  // Not validated: it is our own server's data, and parsing 10,000 rows would delay the first paint.
  return JSON.parse(text) as FleetSnapshot;
}

let tabFleets: Fleets | null = null;

/** The fleets of this tab. Only in the browser. */
export function fleets(): Fleets {
  if (tabFleets) return tabFleets;
  const socket = liveSocket();
  const made = new Fleets({
    fetchSnapshot: fetchPackedSnapshot,
    follow: (name, receive) =>
      socket.subscribe(
        'fleet',
        {
          onEvent: (payload) => {
            const event = payload as FleetEvent;
            tabClock.observe(event.sentAtMs, Date.now());
            tabClock.observeService(name, event.status.serviceAheadMs);
            receive(event);
          },
          // The next `hello` shows whether a delta was missed.
          onGap: () => {},
        },
        name,
      ),
  });
  tabFleets = made;
  socket.subscribe('connections', {
    onEvent: (payload) => made.show(payload as ShownConnection[]),
    onGap: () => {},
  });
  return made;
}
