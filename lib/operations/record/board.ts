import { byConnection } from '../../connection-split';
import { occupiesSandbox } from '../../sandbox/can';
import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';
import {
  type ConnectionHold,
  type Counts,
  countOutcomes,
  isFinal,
  noCounts,
  type OperationEvent,
  type OperationItem,
  type StoredOperation,
} from '../schema';

type Entry = {
  operation: StoredOperation;
  items: Map<SandboxKey, OperationItem>;
  counts: Counts;
  /** The number of items in each connection, and of those that are not final. */
  sizes: ReadonlyMap<ConnectionName, number>;
  open: Map<ConnectionName, number>;
  /** The items that changed since the last event. */
  changed: Set<SandboxKey>;
  isChanged: boolean;
};

/** An event before it leaves the server. */
export type BoardEvent = Omit<OperationEvent, 'operation'> & { operation: StoredOperation };
export type OperationListener = (event: BoardEvent) => void;

const PUBLISH_EVERY_MS = 100;
/** Finished operations are kept for new listeners, so that a reload does not miss the end. */
const KEEP_FINISHED_MS = 5 * 60_000;

/** The running and recently finished operations of this process. Publishes changes in batches, at most every 100 ms. */
export class OperationBoard {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<OperationListener>();
  readonly #holds: () => readonly ConnectionHold[];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(holds: () => readonly ConnectionHold[]) {
    this.#holds = holds;
  }

  /** Adds an operation with all its items, unless it is known. */
  put(operation: StoredOperation, items: readonly OperationItem[]): void {
    if (this.#entries.has(operation.id)) return;
    this.#entries.set(operation.id, {
      operation,
      items: new Map(items.map((item) => [item.sandboxKey, item])),
      counts: countOutcomes(items),
      sizes: countByConnection(items),
      open: countByConnection(items.filter(({ outcome }) => !isFinal(outcome))),
      changed: new Set(items.map(({ sandboxKey }) => sandboxKey)),
      isChanged: true,
    });
    this.#publishNow();
  }

  has(operationId: string): boolean {
    return this.#entries.has(operationId);
  }

  /** Operations that are not finished, oldest first. */
  running(): StoredOperation[] {
    return [...this.#entries.values()].flatMap(({ operation }) =>
      operation.state === 'running' ? [operation] : [],
    );
  }

  find(operationId: string): StoredOperation | null {
    return this.#entries.get(operationId)?.operation ?? null;
  }

  sizeOf(operationId: string): number {
    return this.#entries.get(operationId)?.items.size ?? 0;
  }

  /** The number of its sandboxes in a connection. */
  sizeIn(operationId: string, connection: ConnectionName): number {
    return this.#entries.get(operationId)?.sizes.get(connection) ?? 0;
  }

  /** The number of items in each connection that are not final. */
  openIn(operationId: string): ReadonlyMap<ConnectionName, number> {
    return this.#entries.get(operationId)?.open ?? new Map();
  }

  isWorkedOff(operationId: string): boolean {
    const counts = this.#entries.get(operationId)?.counts;
    return counts !== undefined && counts.waiting === 0 && counts.sending === 0;
  }

  /** Sandboxes of running operations that are not final. */
  busyKeys(): Set<SandboxKey> {
    const busy = new Set<SandboxKey>();
    for (const { operation, items } of this.#entries.values()) {
      if (operation.state === 'finished' || !occupiesSandbox(operation.act)) continue;
      for (const item of items.values()) if (!isFinal(item.outcome)) busy.add(item.sandboxKey);
    }
    return busy;
  }

  /** Updates an item. A final item never becomes open again. */
  noteItem(operationId: string, item: OperationItem): void {
    const entry = this.#entries.get(operationId);
    const known = entry?.items.get(item.sandboxKey);
    if (!entry || !known || (isFinal(known.outcome) && !isFinal(item.outcome))) return;
    if (known.outcome === item.outcome && known.message === item.message) return;
    entry.items.set(item.sandboxKey, item);
    entry.counts = { ...entry.counts };
    entry.counts[known.outcome] -= 1;
    entry.counts[item.outcome] += 1;
    if (!isFinal(known.outcome) && isFinal(item.outcome)) {
      const connection = connectionOf(item.sandboxKey);
      entry.open.set(connection, (entry.open.get(connection) ?? 0) - 1);
    }
    entry.changed.add(item.sandboxKey);
    entry.isChanged = true;
    this.#publishSoon();
  }

  /** Updates an operation, such as when it is cancelled or finished. */
  note(operationId: string, changes: Partial<Omit<StoredOperation, 'id' | 'counts'>>): void {
    const entry = this.#entries.get(operationId);
    if (!entry) return;
    entry.operation = { ...entry.operation, ...changes };
    entry.isChanged = true;
    this.#publishNow();
    if (changes.state === 'finished')
      setTimeout(() => this.#entries.delete(operationId), KEEP_FINISHED_MS).unref();
  }

  /** Publishes that a service asked us to wait. No other event would announce it. */
  noteHold(): void {
    for (const entry of this.#entries.values())
      if (entry.operation.state === 'running') entry.isChanged = true;
    this.#publishSoon();
  }

  /** Sends `listener` the current operations, then every change. Returns a function that unsubscribes. */
  listen(listener: OperationListener): () => void {
    this.#publishNow();
    this.#listeners.add(listener);
    for (const entry of this.#entries.values()) {
      const isOver = entry.operation.state === 'finished';
      listener(this.#eventOf(entry, isOver ? [] : [...entry.items.values()]));
    }
    return () => this.#listeners.delete(listener);
  }

  #publishSoon(): void {
    this.#timer ??= setTimeout(() => this.#publishNow(), PUBLISH_EVERY_MS);
  }

  #publishNow(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const entry of this.#entries.values()) {
      if (!entry.isChanged) continue;
      const items = [...entry.changed].flatMap((key) => entry.items.get(key) ?? []);
      entry.changed.clear();
      entry.isChanged = false;
      const event = this.#eventOf(entry, items);
      for (const listener of this.#listeners) listener(event);
    }
  }

  #eventOf({ operation, counts, open }: Entry, items: OperationItem[]): BoardEvent {
    return {
      operation: { ...operation, counts },
      items,
      holds: this.#holds().filter(({ connection }) => (open.get(connection) ?? 0) > 0),
      sentAtMs: Date.now(),
    };
  }
}

function countByConnection(items: readonly OperationItem[]): Map<ConnectionName, number> {
  const groups = byConnection(items.map(({ sandboxKey }) => sandboxKey));
  return new Map([...groups].map(([name, keys]) => [name, keys.length]));
}

export function freshCounts(waiting: number): Counts {
  return { ...noCounts(), waiting };
}
