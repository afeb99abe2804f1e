import { occupiesSandbox } from '../../sandbox/can';
import {
  type Counts,
  countOutcomes,
  isFinal,
  noCounts,
  type Operation,
  type OperationEvent,
  type OperationItem,
} from '../schema';

type Entry = {
  operation: Operation;
  items: Map<string, OperationItem>;
  counts: Counts;
  /** Ids of items that changed since listeners were last told. */
  changed: Set<string>;
  isChanged: boolean;
};

const TELL_EVERY_MS = 100;
/** Finished operations are told to those who join late, so that a reload does not miss the end. */
const REMEMBER_MS = 5 * 60_000;

/**
 * What this process knows of the operations under way and of those that ended a moment ago, and who wants to hear of it.
 * Changes are told together, ten times a second at most.
 */
export class OperationBoard {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(event: OperationEvent) => void>();
  readonly #heldUntilMs: () => number | null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(heldUntilMs: () => number | null) {
    this.#heldUntilMs = heldUntilMs;
  }

  /** Puts an operation up with all its items; one that is up already stays as it is. */
  put(operation: Operation, items: readonly OperationItem[]): void {
    if (this.#entries.has(operation.id)) return;
    this.#entries.set(operation.id, {
      operation,
      items: new Map(items.map((item) => [item.sandboxId, item])),
      counts: countOutcomes(items),
      changed: new Set(items.map(({ sandboxId }) => sandboxId)),
      isChanged: true,
    });
    this.#tellNow();
  }

  has(operationId: string): boolean {
    return this.#entries.has(operationId);
  }

  /** Operations that are not finished, oldest first. */
  running(): Operation[] {
    return [...this.#entries.values()].flatMap(({ operation }) =>
      operation.state === 'running' ? [operation] : [],
    );
  }

  find(operationId: string): Operation | null {
    return this.#entries.get(operationId)?.operation ?? null;
  }

  /** How many sandboxes the operation is about. */
  sizeOf(operationId: string): number {
    return this.#entries.get(operationId)?.items.size ?? 0;
  }

  /** How many items are not final. */
  openIn(operationId: string): number {
    const counts = this.#entries.get(operationId)?.counts;
    return counts ? counts.waiting + counts.sending : 0;
  }

  /** Whether every item is final. */
  isWorkedOff(operationId: string): boolean {
    const counts = this.#entries.get(operationId)?.counts;
    return counts !== undefined && counts.waiting === 0 && counts.sending === 0;
  }

  /** Sandboxes that an operation is working on or is about to. */
  busyIds(): Set<string> {
    const busy = new Set<string>();
    for (const { operation, items } of this.#entries.values()) {
      if (operation.state === 'finished' || !occupiesSandbox(operation.act)) continue;
      for (const item of items.values()) if (!isFinal(item.outcome)) busy.add(item.sandboxId);
    }
    return busy;
  }

  /** News of an item. Nothing that is final becomes open again. */
  noteItem(operationId: string, item: OperationItem): void {
    const entry = this.#entries.get(operationId);
    const known = entry?.items.get(item.sandboxId);
    if (!entry || !known || (isFinal(known.outcome) && !isFinal(item.outcome))) return;
    if (known.outcome === item.outcome && known.message === item.message) return;
    entry.items.set(item.sandboxId, item);
    entry.counts = { ...entry.counts };
    entry.counts[known.outcome] -= 1;
    entry.counts[item.outcome] += 1;
    entry.changed.add(item.sandboxId);
    entry.isChanged = true;
    this.#tellSoon();
  }

  /** News of an operation: cancelled, finished. */
  note(operationId: string, news: Partial<Omit<Operation, 'id' | 'counts'>>): void {
    const entry = this.#entries.get(operationId);
    if (!entry) return;
    entry.operation = { ...entry.operation, ...news };
    entry.isChanged = true;
    this.#tellNow();
    if (news.state === 'finished') setTimeout(() => this.#entries.delete(operationId), REMEMBER_MS).unref();
  }

  /** News of the pace: nothing is sent for a while, so nothing else would be told meanwhile. */
  noteHold(): void {
    for (const entry of this.#entries.values())
      if (entry.operation.state === 'running') entry.isChanged = true;
    this.#tellSoon();
  }

  /** Tells `listener` of everything that is up, then of every change, until the answered function is called. */
  listen(listener: (event: OperationEvent) => void): () => void {
    this.#tellNow();
    this.#listeners.add(listener);
    for (const entry of this.#entries.values()) {
      const isOver = entry.operation.state === 'finished';
      listener(this.#eventOf(entry, isOver ? [] : [...entry.items.values()]));
    }
    return () => this.#listeners.delete(listener);
  }

  #tellSoon(): void {
    this.#timer ??= setTimeout(() => this.#tellNow(), TELL_EVERY_MS);
  }

  #tellNow(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const entry of this.#entries.values()) {
      if (!entry.isChanged) continue;
      const items = [...entry.changed].flatMap((id) => entry.items.get(id) ?? []);
      entry.changed.clear();
      entry.isChanged = false;
      const event = this.#eventOf(entry, items);
      for (const listener of this.#listeners) listener(event);
    }
  }

  #eventOf({ operation, counts }: Entry, items: OperationItem[]): OperationEvent {
    return {
      operation: { ...operation, counts },
      items,
      heldUntilMs: this.#heldUntilMs(),
      sentAtMs: Date.now(),
    };
  }
}

/** An operation before anything has happened to it. */
export function freshCounts(waiting: number): Counts {
  return { ...noCounts(), waiting };
}
