import { type ConnectionShare, splitByConnection } from '../../connection-split';
import { ServerClock, tabClock } from '../../live/server-clock';
import { liveSocket } from '../../live/socket';
import { paths } from '../../paths';
import { occupiesSandbox, type SandboxAct } from '../../sandbox/can';
import type { SandboxKey } from '../../sandbox-key';
import {
  type ConnectionHold,
  isFinal,
  type Operation,
  type OperationEvent,
  type OperationItem,
  type RecordedItem,
  totalsOf,
} from '../schema';
import type { ProgressSample } from './rate';

export type ActUnderWay = { act: SandboxAct; operationId: string };

/** An operation as this tab knows it. Replaced by a new object on every change. */
export type OperationView = {
  operation: Operation;
  /** By sandbox key. May be empty if the operation ended before this tab subscribed: see `recordOf`. */
  items: ReadonlyMap<SandboxKey, OperationItem>;
  /** The number of `items` in each connection. */
  split: readonly ConnectionShare[];
  /** Connections to which no requests are sent for now. In server time. */
  holds: readonly ConnectionHold[];
  /** Recent progress, oldest first. */
  samples: readonly ProgressSample[];
  wasSeenRunning: boolean;
  /** When this tab received its end, browser time. */
  endSeenAtMs: number | null;
};

export type OperationRecord = { operation: Operation; items: RecordedItem[] };

/** Fetches one operation. `null`: it does not exist. Throws if the request fails. */
export type FetchRecord = (operationId: string) => Promise<OperationRecord | null>;

type FinishListener = (operation: Operation, items: OperationItem[]) => void;

/** Finished operations are kept for this long. */
const KEEP_ENDED_MS = 10 * 60_000;
const MAX_ENDED = 50;
const SAMPLES_FOR_MS = 10_000;
/** On connecting, the server sends all running operations at once. Any that is missing after this time is fetched. */
const SENT_WITHIN_MS = 3_000;

/** The operations of this tab: their progress, the sandboxes they act on, and their ends. */
export class OperationProgress {
  /** Converts browser time to server time, which start times and holds use. */
  readonly clock: ServerClock;
  readonly #fetchRecord: FetchRecord;
  readonly #listeners = new Set<() => void>();
  readonly #awaited = new Map<string, Set<FinishListener>>();
  readonly #followed = new Set<string>();
  readonly #byId = new Map<string, OperationView>();
  /** Operations without an event since the connection was lost. They may have ended. */
  readonly #unconfirmed = new Set<string>();
  #unconfirmedTimer: ReturnType<typeof setTimeout> | null = null;
  #underWay: ReadonlyMap<SandboxKey, ActUnderWay> = new Map();
  #views: readonly OperationView[] = [];

  constructor(fetchRecord: FetchRecord, clock = new ServerClock()) {
    this.clock = clock;
    this.#fetchRecord = fetchRecord;
  }

  /** Actions in progress, by sandbox key. A new map on every change. */
  readonly underWay = (): ReadonlyMap<SandboxKey, ActUnderWay> => this.#underWay;

  /** Running and recently finished operations, newest first. A new list on every change. */
  readonly views = (): readonly OperationView[] => this.#views;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  find(operationId: string): OperationView | undefined {
    return this.#byId.get(operationId);
  }

  /** Whether `whenFinished` was called for it in this tab, so that a toast reports its end. */
  isFollowed(operationId: string): boolean {
    return this.#followed.has(operationId);
  }

  /**
   * Calls `listener` once with all items when the operation has finished, even if the connection was lost in between.
   * Returns a function that unsubscribes.
   */
  whenFinished(operationId: string, listener: FinishListener): () => void {
    this.#followed.add(operationId);
    const listeners = this.#awaited.get(operationId) ?? new Set();
    this.#awaited.set(operationId, listeners.add(listener));
    const view = this.#byId.get(operationId);
    if (view?.operation.state === 'finished') this.#notifyEnd(view);
    else if (view === undefined) this.#awaitEvents([operationId]);
    return () => listeners.delete(listener);
  }

  /** Fetches an operation with its sandboxes as planned. Throws if the request fails. */
  recordOf(operationId: string): Promise<OperationRecord | null> {
    return this.#fetchRecord(operationId);
  }

  receive({ operation, items, holds, sentAtMs }: OperationEvent): void {
    this.clock.observe(sentAtMs, Date.now());
    const view = this.#take(operation, items, holds);
    if (view.operation.state === 'finished') this.#notifyEnd(view);
  }

  /** Call when events were missed. The server sends running operations again; the others are fetched. */
  missed(): void {
    const running = this.#views.filter(({ operation }) => operation.state === 'running');
    this.#awaitEvents([...running.map(({ operation }) => operation.id), ...this.#awaited.keys()]);
  }

  /** Call when the connection is open. Operations that the server does not send now have ended. */
  joined(): void {
    if (this.#unconfirmed.size > 0) this.#fetchSoon();
  }

  #take(operation: Operation, items: readonly OperationItem[], holds: OperationView['holds']): OperationView {
    const { id } = operation;
    this.#unconfirmed.delete(id);
    const view = advance(this.#byId.get(id), { operation, items, holds }, Date.now());
    this.#byId.set(id, view);
    this.#followUnderWay(items, view);
    this.#dropOld();
    this.#announce();
    return view;
  }

  #followUnderWay(changed: readonly OperationItem[], view: OperationView): void {
    const { id, act, state } = view.operation;
    if (!occupiesSandbox(act)) return;
    const isOver = state === 'finished';
    // Copied only on a change, so that rows do not render again for nothing.
    let underWay: Map<SandboxKey, ActUnderWay> | null = null;
    for (const { sandboxKey, outcome } of isOver ? view.items.values() : changed) {
      const isOurs = (underWay ?? this.#underWay).get(sandboxKey)?.operationId === id;
      const isActedOn = !isOver && !isFinal(outcome);
      if (isActedOn === isOurs) continue;
      underWay ??= new Map(this.#underWay);
      if (isActedOn) underWay.set(sandboxKey, { act, operationId: id });
      else underWay.delete(sandboxKey);
    }
    this.#underWay = underWay ?? this.#underWay;
  }

  #notifyEnd(view: OperationView): void {
    const { operation, items } = view;
    if (isWholeEnd(view)) this.#release(operation, [...items.values()]);
    // A new listener receives finished operations without items.
    else if (this.#awaited.has(operation.id)) void this.#fetch(operation.id);
  }

  #release(operation: Operation, items: OperationItem[]): void {
    const listeners = this.#awaited.get(operation.id) ?? [];
    this.#awaited.delete(operation.id);
    for (const listener of listeners) listener(operation, items);
  }

  #awaitEvents(operationIds: readonly string[]): void {
    for (const id of operationIds) this.#unconfirmed.add(id);
    if (operationIds.length > 0) this.#fetchSoon();
  }

  #fetchSoon(): void {
    if (this.#unconfirmedTimer) clearTimeout(this.#unconfirmedTimer);
    this.#unconfirmedTimer = setTimeout(() => {
      this.#unconfirmedTimer = null;
      for (const id of [...this.#unconfirmed]) void this.#fetch(id);
    }, SENT_WITHIN_MS);
  }

  /** Fetches an operation. Retries later if the request fails or the operation is still running. */
  async #fetch(operationId: string): Promise<void> {
    this.#unconfirmed.add(operationId);
    try {
      const found = await this.#fetchRecord(operationId);
      // An event arrived in the meantime, which is at least as new.
      if (!this.#unconfirmed.has(operationId)) return;
      if (found === null) {
        this.#forget(operationId);
        return;
      }
      this.#take(found.operation, found.items, []);
      if (found.operation.state === 'finished') this.#release(found.operation, found.items);
      else this.#awaitEvents([operationId]);
    } catch {
      if (this.#unconfirmed.has(operationId)) this.#awaitEvents([operationId]);
    }
  }

  #forget(operationId: string): void {
    this.#unconfirmed.delete(operationId);
    this.#awaited.delete(operationId);
    this.#byId.delete(operationId);
    this.#underWay = new Map([...this.#underWay].filter(([, act]) => act.operationId !== operationId));
    this.#announce();
  }

  #dropOld(): void {
    const oldest = Date.now() - KEEP_ENDED_MS;
    const ended = [...this.#byId.values()].filter(({ endSeenAtMs }) => endSeenAtMs !== null);
    const surplus = ended.length - MAX_ENDED;
    for (const [index, { operation, endSeenAtMs }] of ended.entries()) {
      if (this.#awaited.has(operation.id)) continue;
      if (index < surplus || (endSeenAtMs ?? 0) < oldest) this.#byId.delete(operation.id);
    }
  }

  #announce(): void {
    this.#views = [...this.#byId.values()].sort(
      (one, other) => other.operation.createdAtMs - one.operation.createdAtMs,
    );
    for (const listener of this.#listeners) listener();
  }
}

function advance(
  before: OperationView | undefined,
  {
    operation,
    items,
    holds,
  }: Pick<OperationView, 'operation' | 'holds'> & {
    items: readonly OperationItem[];
  },
  nowMs: number,
): OperationView {
  const isRunning = operation.state === 'running';
  const known = new Map(before?.items);
  for (const item of items) known.set(item.sandboxKey, item);
  const sample = { atMs: nowMs, final: totalsOf(operation.counts).final };
  const recent = before?.samples.filter(({ atMs }) => atMs >= nowMs - SAMPLES_FOR_MS) ?? [];
  return {
    operation,
    items: known,
    split: before?.items.size === known.size ? before.split : splitByConnection(known.keys()),
    holds,
    samples: [...recent, sample],
    wasSeenRunning: isRunning || before?.wasSeenRunning === true,
    endSeenAtMs: isRunning ? null : (before?.endSeenAtMs ?? nowMs),
  };
}

/** Whether it has finished and all its items are known. */
function isWholeEnd({ operation, items }: OperationView): boolean {
  if (operation.state !== 'finished' || items.size !== totalsOf(operation.counts).total) return false;
  for (const { outcome } of items.values()) if (!isFinal(outcome)) return false;
  return true;
}

async function fetchRecord(operationId: string): Promise<OperationRecord | null> {
  const response = await fetch(`/api${paths.operation(operationId)}`, { cache: 'no-store' });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`The operation could not be read: ${response.status}`);
  return (await response.json()) as OperationRecord;
}

let tabProgress: OperationProgress | null = null;

/** The operations of this tab. Browser only. */
export function operationProgress(): OperationProgress {
  if (tabProgress) return tabProgress;
  const progress = new OperationProgress(fetchRecord, tabClock);
  tabProgress = progress;
  const socket = liveSocket();
  socket.subscribe('operations', {
    onEvent: (payload) => progress.receive(payload as OperationEvent),
    onGap: () => progress.missed(),
  });
  socket.onStateChange(() => {
    if (socket.state() === 'open') progress.joined();
  });
  return progress;
}
