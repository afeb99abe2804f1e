import { liveSocket } from '../live/socket';
import type { Sandbox } from '../sandbox/schema';
import type { FleetDelta, FleetEvent, FleetSnapshot, FleetStatus } from './delta';
import { type IndexedSandbox, indexSandbox } from './row-index';

/** What a view of the fleet draws from. A new object whenever something in it changed. */
export type FleetView = {
  /** `null` until the whole fleet has arrived once. */
  rows: readonly IndexedSandbox[] | null;
  status: FleetStatus;
};

/** Before anything has arrived, and on the server. */
export const NOTHING_KNOWN: FleetView = {
  rows: null,
  status: { asOfMs: null, problem: null, unreadable: 0, maxRunning: null },
};

const RETRY_MS = 2_000;

/** Reads the whole fleet; replaced in tests. */
export type FetchSnapshot = (signal: AbortSignal) => Promise<FleetSnapshot>;

/**
 * The fleet in this tab: one snapshot, then deltas by sequence number. A gap means that the snapshot is read again;
 * until it has arrived the rows that were there stay.
 */
export class FleetStore {
  readonly #fetchSnapshot: FetchSnapshot;
  readonly #listeners = new Set<() => void>();
  readonly #byId = new Map<string, IndexedSandbox>();
  #view: FleetView = NOTHING_KNOWN;
  #position: { epoch: string; seq: number } | null = null;
  /** Deltas that arrived while the snapshot was on its way. */
  #ahead: FleetDelta[] = [];
  #reading: AbortController | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(fetchSnapshot: FetchSnapshot) {
    this.#fetchSnapshot = fetchSnapshot;
  }

  readonly view = (): FleetView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** One row, or undefined when it is not (or no longer) in the fleet. */
  find(id: string): IndexedSandbox | undefined {
    return this.#byId.get(id);
  }

  /** Takes what the `fleet` channel says. */
  receive(event: FleetEvent): void {
    if (event.kind === 'hello') {
      const { epoch, seq } = event;
      const isCurrent = this.#position?.epoch === epoch && this.#position.seq === seq;
      this.#update(event.status);
      if (!isCurrent) void this.#readAgain();
      return;
    }
    if (event.kind === 'delta') {
      // While another try is due, what is told now will be in what it reads.
      if (this.#reading) this.#ahead.push(event.delta);
      else if (!this.#retryTimer && !this.#applyNext(event.delta)) void this.#readAgain();
    }
    this.#update(event.status);
  }

  async #readAgain(): Promise<void> {
    this.#reading?.abort();
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    const reading = new AbortController();
    this.#reading = reading;
    this.#ahead = [];
    try {
      const snapshot = await this.#fetchSnapshot(reading.signal);
      if (this.#reading !== reading) return;
      this.#reading = null;
      this.#replace(snapshot);
    } catch {
      if (this.#reading !== reading) return;
      this.#reading = null;
      this.#retryTimer = setTimeout(() => void this.#readAgain(), RETRY_MS);
    }
  }

  #replace({ epoch, seq, sandboxes, status }: FleetSnapshot): void {
    const gone = new Set(this.#byId.keys());
    for (const sandbox of sandboxes) {
      gone.delete(sandbox.id);
      this.#put(sandbox);
    }
    for (const id of gone) this.#byId.delete(id);
    this.#position = { epoch, seq };
    const ahead = this.#ahead;
    this.#ahead = [];
    const isWhole = ahead.every((delta) => this.#applyNext(delta));
    this.#update(laterOf(this.#view.status, status), true);
    if (!isWhole) void this.#readAgain();
  }

  /** Applies `delta` unless it is known already; answers false when one before it is missing. */
  #applyNext({ seq, changed, removed }: FleetDelta): boolean {
    if (!this.#position || seq > this.#position.seq + 1) return false;
    if (seq <= this.#position.seq) return true;
    for (const sandbox of changed) this.#put(sandbox);
    for (const id of removed) this.#byId.delete(id);
    this.#position.seq = seq;
    this.#view = { ...this.#view, rows: [...this.#byId.values()] };
    return true;
  }

  #put(sandbox: Sandbox): void {
    this.#byId.set(sandbox.id, indexSandbox(sandbox));
  }

  #update(status: FleetStatus, rowsChanged = false): void {
    const rows = rowsChanged ? [...this.#byId.values()] : this.#view.rows;
    this.#view = { rows, status };
    for (const listener of this.#listeners) listener();
  }
}

/** The channel's word on the status is kept unless a snapshot knows a later reading: snapshots are packed once for many. */
function laterOf(told: FleetStatus, packed: FleetStatus): FleetStatus {
  return (packed.asOfMs ?? 0) > (told.asOfMs ?? 0) ? packed : told;
}

/** Unpacks what `/api/fleet` answers. Throws when it cannot be had. */
async function fetchPackedSnapshot(signal: AbortSignal): Promise<FleetSnapshot> {
  const answer = await fetch('/api/fleet', { cache: 'no-store', signal });
  if (!answer.ok || answer.body === null) throw new Error(`The fleet could not be read: ${answer.status}`);
  const text = await new Response(answer.body.pipeThrough(new DecompressionStream('gzip'))).text();
  // Our own server's own type, built from parsed rows: parsing 10,000 of them again would cost the first paint.
  return JSON.parse(text) as FleetSnapshot;
}

let tabStore: FleetStore | null = null;

/** The fleet of this tab, kept current as long as the tab lives. In the browser only. */
export function fleetStore(): FleetStore {
  if (tabStore) return tabStore;
  const store = new FleetStore(fetchPackedSnapshot);
  tabStore = store;
  liveSocket().subscribe('fleet', {
    onEvent: (payload) => store.receive(payload as FleetEvent),
    // The next `hello` says whether anything was missed.
    onGap: () => {},
  });
  return store;
}
