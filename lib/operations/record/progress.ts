import { ServerClock } from '../../live/server-clock';
import { liveSocket } from '../../live/socket';
import { paths } from '../../paths';
import { occupiesSandbox, type SandboxAct } from '../../sandbox/can';
import {
  isFinal,
  type Operation,
  type OperationEvent,
  type OperationItem,
  type RecordedItem,
  totalsOf,
} from '../schema';
import type { ProgressSample } from './rate';

/** What is being done to a sandbox at this moment. */
export type ActUnderWay = { act: SandboxAct; operationId: string };

/** An operation as this tab knows it; a new object whenever something about it changed. */
export type OperationView = {
  operation: Operation;
  /** By sandbox id. Of an operation that had ended before this tab heard of it, there may be none: see `recordOf`. */
  items: ReadonlyMap<string, OperationItem>;
  /** The service asked us to stay away until then, epoch ms of the server. */
  heldUntilMs: number | null;
  /** The latest seconds of its progress, oldest first. */
  samples: readonly ProgressSample[];
  /** Whether this tab saw it under way. */
  wasSeenRunning: boolean;
  /** When this tab heard of its end, by this browser's clock. */
  endHeardAtMs: number | null;
};

/** An operation as the record has it, with all of its sandboxes. */
export type OperationRecord = { operation: Operation; items: RecordedItem[] };

/** Asks our server for one operation whole. `null`: there is none (any more). Throws when it cannot be asked. */
export type FetchRecord = (operationId: string) => Promise<OperationRecord | null>;

type FinishListener = (operation: Operation, items: OperationItem[]) => void;

/** What ended stays for this long, so that a page opened meanwhile can show how. */
const KEEP_ENDED_MS = 10 * 60_000;
const MAX_ENDED = 50;
const SAMPLES_FOR_MS = 10_000;
/** On joining everything under way is told at once; whatever is not heard of within this time is asked for. */
const TOLD_WITHIN_MS = 3_000;

/** Operations as this tab hears of them: how they go, which sandboxes they act on, and how they ended. */
export class OperationProgress {
  /** The clock of the server, by which operations start and services ask to be left alone. */
  readonly clock = new ServerClock();
  readonly #fetchRecord: FetchRecord;
  readonly #listeners = new Set<() => void>();
  readonly #awaited = new Map<string, Set<FinishListener>>();
  readonly #followed = new Set<string>();
  readonly #byId = new Map<string, OperationView>();
  /** Not heard of since events were missed: it may have ended meanwhile. */
  readonly #untold = new Set<string>();
  #untoldTimer: ReturnType<typeof setTimeout> | null = null;
  #underWay: ReadonlyMap<string, ActUnderWay> = new Map();
  #views: readonly OperationView[] = [];

  constructor(fetchRecord: FetchRecord) {
    this.#fetchRecord = fetchRecord;
  }

  /** What is being done, by sandbox id; a new map whenever it changes. */
  readonly underWay = (): ReadonlyMap<string, ActUnderWay> => this.#underWay;

  /** Every operation under way and those that ended lately, newest first; a new list whenever one changes. */
  readonly views = (): readonly OperationView[] => this.#views;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** One operation, if this tab knows of it. */
  find(operationId: string): OperationView | undefined {
    return this.#byId.get(operationId);
  }

  /** Whether somebody in this tab asked to hear of its end, and so tells it. */
  isFollowed(operationId: string): boolean {
    return this.#followed.has(operationId);
  }

  /**
   * Calls `listener` once, when the operation has ended, with what became of each sandbox: however long the connection
   * is lost meanwhile. The answered function takes the input back.
   */
  whenFinished(operationId: string, listener: FinishListener): () => void {
    this.#followed.add(operationId);
    const listeners = this.#awaited.get(operationId) ?? new Set();
    this.#awaited.set(operationId, listeners.add(listener));
    const view = this.#byId.get(operationId);
    if (view?.operation.state === 'finished') this.#tellEnd(view);
    else if (view === undefined) this.#expectNewsOf([operationId]);
    return () => listeners.delete(listener);
  }

  /** The operation as the record has it, with its sandboxes as they were. Throws when it cannot be had. */
  recordOf(operationId: string): Promise<OperationRecord | null> {
    return this.#fetchRecord(operationId);
  }

  /** Takes what the `operations` channel says. */
  receive({ operation, items, heldUntilMs, sentAtMs }: OperationEvent): void {
    this.clock.observe(sentAtMs, Date.now());
    const view = this.#take(operation, items, heldUntilMs);
    if (view.operation.state === 'finished') this.#tellEnd(view);
  }

  /** Events were missed. Whatever is still under way is told again on joining; the end of the rest is asked for. */
  missed(): void {
    const running = this.#views.filter(({ operation }) => operation.state === 'running');
    this.#expectNewsOf([...running.map(({ operation }) => operation.id), ...this.#awaited.keys()]);
  }

  /** The connection is there (again): what is not told now has ended. */
  joined(): void {
    if (this.#untold.size > 0) this.#askSoon();
  }

  #take(operation: Operation, items: readonly OperationItem[], heldUntilMs: number | null): OperationView {
    const { id } = operation;
    this.#untold.delete(id);
    const view = advance(this.#byId.get(id), { operation, items, heldUntilMs }, Date.now());
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
    // Copied only where it changes, so that rows are not looked through again for nothing.
    let underWay: Map<string, ActUnderWay> | null = null;
    for (const { sandboxId, outcome } of isOver ? view.items.values() : changed) {
      const isOurs = (underWay ?? this.#underWay).get(sandboxId)?.operationId === id;
      const isActedOn = !isOver && !isFinal(outcome);
      if (isActedOn === isOurs) continue;
      underWay ??= new Map(this.#underWay);
      if (isActedOn) underWay.set(sandboxId, { act, operationId: id });
      else underWay.delete(sandboxId);
    }
    this.#underWay = underWay ?? this.#underWay;
  }

  #tellEnd(view: OperationView): void {
    const { operation, items } = view;
    if (isWholeEnd(view)) this.#release(operation, [...items.values()]);
    // How it ended was told in numbers alone.
    else if (this.#awaited.has(operation.id)) void this.#ask(operation.id);
  }

  #release(operation: Operation, items: OperationItem[]): void {
    const listeners = this.#awaited.get(operation.id) ?? [];
    this.#awaited.delete(operation.id);
    for (const listener of listeners) listener(operation, items);
  }

  #expectNewsOf(operationIds: readonly string[]): void {
    for (const id of operationIds) this.#untold.add(id);
    if (operationIds.length > 0) this.#askSoon();
  }

  #askSoon(): void {
    if (this.#untoldTimer) clearTimeout(this.#untoldTimer);
    this.#untoldTimer = setTimeout(() => {
      this.#untoldTimer = null;
      for (const id of [...this.#untold]) void this.#ask(id);
    }, TOLD_WITHIN_MS);
  }

  /** Asks for one operation; again later, where the server cannot be reached or it is still under way untold. */
  async #ask(operationId: string): Promise<void> {
    this.#untold.add(operationId);
    try {
      const found = await this.#fetchRecord(operationId);
      // What the channel said meanwhile is at least as new.
      if (!this.#untold.has(operationId)) return;
      if (found === null) {
        this.#forget(operationId);
        return;
      }
      this.#take(found.operation, found.items, null);
      if (found.operation.state === 'finished') this.#release(found.operation, found.items);
      else this.#expectNewsOf([operationId]);
    } catch {
      if (this.#untold.has(operationId)) this.#expectNewsOf([operationId]);
    }
  }

  #forget(operationId: string): void {
    this.#untold.delete(operationId);
    this.#awaited.delete(operationId);
    this.#byId.delete(operationId);
    this.#underWay = new Map([...this.#underWay].filter(([, act]) => act.operationId !== operationId));
    this.#announce();
  }

  #dropOld(): void {
    const oldest = Date.now() - KEEP_ENDED_MS;
    const ended = [...this.#byId.values()].filter(({ endHeardAtMs }) => endHeardAtMs !== null);
    const surplus = ended.length - MAX_ENDED;
    for (const [index, { operation, endHeardAtMs }] of ended.entries()) {
      if (this.#awaited.has(operation.id)) continue;
      if (index < surplus || (endHeardAtMs ?? 0) < oldest) this.#byId.delete(operation.id);
    }
  }

  #announce(): void {
    this.#views = [...this.#byId.values()].sort(
      (one, other) => other.operation.createdAtMs - one.operation.createdAtMs,
    );
    for (const listener of this.#listeners) listener();
  }
}

/** What is known of an operation after `event`. */
function advance(
  before: OperationView | undefined,
  {
    operation,
    items,
    heldUntilMs,
  }: Pick<OperationView, 'operation' | 'heldUntilMs'> & {
    items: readonly OperationItem[];
  },
  nowMs: number,
): OperationView {
  const isRunning = operation.state === 'running';
  const known = new Map(before?.items);
  for (const item of items) known.set(item.sandboxId, item);
  const sample = { atMs: nowMs, final: totalsOf(operation.counts).final };
  const recent = before?.samples.filter(({ atMs }) => atMs >= nowMs - SAMPLES_FOR_MS) ?? [];
  return {
    operation,
    items: known,
    heldUntilMs,
    samples: [...recent, sample],
    wasSeenRunning: isRunning || before?.wasSeenRunning === true,
    endHeardAtMs: isRunning ? null : (before?.endHeardAtMs ?? nowMs),
  };
}

/** Whether the end of every one of its items has been heard. */
function isWholeEnd({ operation, items }: OperationView): boolean {
  if (operation.state !== 'finished' || items.size !== totalsOf(operation.counts).total) return false;
  for (const { outcome } of items.values()) if (!isFinal(outcome)) return false;
  return true;
}

async function fetchRecord(operationId: string): Promise<OperationRecord | null> {
  const answer = await fetch(`/api${paths.operation(operationId)}`, { cache: 'no-store' });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The operation could not be read: ${answer.status}`);
  // Our own server's own type.
  return (await answer.json()) as OperationRecord;
}

let tabProgress: OperationProgress | null = null;

/** The operations of this tab. In the browser only. */
export function operationProgress(): OperationProgress {
  if (tabProgress) return tabProgress;
  const progress = new OperationProgress(fetchRecord);
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
