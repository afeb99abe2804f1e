import type { Lacking } from '../sandbox/capabilities';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';
import {
  type FleetDelta,
  type FleetEvent,
  type FleetSnapshot,
  type FleetStatus,
  NOTHING_READ,
} from './delta';
import { type IndexedSandbox, indexSandbox } from './row-index';

/** The data of a fleet view. A new object after every change. */
export type FleetView = {
  /** `null` until the whole fleet has arrived once. */
  rows: readonly IndexedSandbox[] | null;
  status: FleetStatus;
};

/** The view before anything has arrived, and on the server. */
export const NOTHING_KNOWN: FleetView = { rows: null, status: NOTHING_READ };

const RETRY_MS = 2_000;

export type FetchSnapshot = (signal: AbortSignal) => Promise<FleetSnapshot>;

/**
 * The fleet of one connection in this tab: one snapshot, then deltas by sequence number. After a gap it reads the snapshot again, and
 * keeps the old rows until that arrives.
 */
export class FleetStore {
  readonly #fetchSnapshot: FetchSnapshot;
  readonly #listeners = new Set<() => void>();
  readonly #byKey = new Map<SandboxKey, IndexedSandbox>();
  #view: FleetView = NOTHING_KNOWN;
  #position: { epoch: string; seq: number } | null = null;
  /** Deltas received while a snapshot is being read. */
  #pending: FleetDelta[] = [];
  #reading: AbortController | null = null;
  #hasFailed = false;
  /** The clock that the rows are indexed with. */
  #serviceAheadMs = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(fetchSnapshot: FetchSnapshot) {
    this.#fetchSnapshot = fetchSnapshot;
  }

  readonly view = (): FleetView => this.#view;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Whether its rows have arrived, or will take long: they could not be fetched, or the server has not read them yet. */
  get isSettled(): boolean {
    const { rows, status } = this.#view;
    return rows !== null || this.#hasFailed || (this.#view !== NOTHING_KNOWN && status.asOfMs === null);
  }

  /** The row with this key, or `undefined` if it is not in the fleet. */
  find(key: SandboxKey): IndexedSandbox | undefined {
    return this.#byKey.get(key);
  }

  /** Handles a message of the connection's `fleet` channel. */
  receive(event: FleetEvent): void {
    this.#setClock(event.status);
    if (event.kind === 'hello') {
      const { epoch, seq } = event;
      const isCurrent = this.#position?.epoch === epoch && this.#position.seq === seq;
      this.#update(event.status);
      if (!isCurrent) void this.#resync();
      return;
    }
    if (event.kind === 'delta') {
      // A scheduled retry will read this change anyway.
      if (this.#reading) this.#pending.push(event.delta);
      else if (!this.#retryTimer && !this.#applyNext(event.delta)) void this.#resync();
    }
    this.#update(event.status);
  }

  /** Drops what has been requested, for a connection that is no longer shown. */
  close(): void {
    this.#reading?.abort();
    this.#reading = null;
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#listeners.clear();
  }

  async #resync(): Promise<void> {
    this.#reading?.abort();
    if (this.#retryTimer) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    const reading = new AbortController();
    this.#reading = reading;
    this.#pending = [];
    try {
      const snapshot = await this.#fetchSnapshot(reading.signal);
      if (this.#reading !== reading) return;
      this.#reading = null;
      this.#replace(snapshot);
    } catch {
      if (this.#reading !== reading) return;
      this.#reading = null;
      this.#hasFailed = true;
      this.#update(this.#view.status);
      this.#retryTimer = setTimeout(() => void this.#resync(), RETRY_MS);
    }
  }

  #replace({ epoch, seq, sandboxes, status: packed }: FleetSnapshot): void {
    const status = laterOf(this.#view.status, packed);
    this.#setClock(status);
    const gone = new Set(this.#byKey.keys());
    for (const sandbox of sandboxes) {
      gone.delete(sandbox.key);
      this.#put(sandbox);
    }
    for (const key of gone) this.#byKey.delete(key);
    this.#position = { epoch, seq };
    const pending = this.#pending;
    this.#pending = [];
    const isComplete = pending.every((delta) => this.#applyNext(delta));
    this.#update(status, true);
    if (!isComplete) void this.#resync();
  }

  /** Applies a delta, unless it is already applied. Returns false if an earlier one is missing. */
  #applyNext({ seq, changed, removed }: FleetDelta): boolean {
    if (!this.#position || seq > this.#position.seq + 1) return false;
    if (seq <= this.#position.seq) return true;
    for (const sandbox of changed) this.#put(sandbox);
    for (const key of removed) this.#byKey.delete(key);
    this.#position.seq = seq;
    this.#view = { ...this.#view, rows: [...this.#byKey.values()] };
    return true;
  }

  #put(sandbox: Sandbox): void {
    this.#byKey.set(sandbox.key, indexSandbox(sandbox, { serviceAheadMs: this.#serviceAheadMs }));
  }

  /** Indexes all rows again if the service's clock is another, which is rare. */
  #setClock({ serviceAheadMs }: FleetStatus): void {
    if (serviceAheadMs === this.#serviceAheadMs) return;
    this.#serviceAheadMs = serviceAheadMs;
    for (const { sandbox } of this.#byKey.values()) this.#put(sandbox);
    if (this.#view.rows !== null) this.#view = { ...this.#view, rows: [...this.#byKey.values()] };
  }

  #update(status: FleetStatus, rowsChanged = false): void {
    const rows = rowsChanged ? [...this.#byKey.values()] : this.#view.rows;
    const lacking = sameLacking(this.#view.status.lacking, status.lacking);
    this.#view = { rows, status: { ...status, lacking } };
    for (const listener of this.#listeners) listener();
  }
}

/** The object before if both say the same, so that nothing is drawn again for it. */
function sameLacking(before: Lacking, now: Lacking): Lacking {
  return JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** Prefers the status of the channel, unless the snapshot has a later reading: a packed snapshot can be old. */
function laterOf(current: FleetStatus, packed: FleetStatus): FleetStatus {
  return (packed.asOfMs ?? 0) > (current.asOfMs ?? 0) ? packed : current;
}
