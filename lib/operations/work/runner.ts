import 'server-only';
import { deleteEntriesBefore } from '../../access/audit-chain';
import { config } from '../../config';
import { connections } from '../../connections/registry';
import { fleetWatcher, watcherOf } from '../../fleet/watchers';
import { LeaseTimer } from '../../lease/lease-timer';
import { processOwner } from '../../lease/owner';
import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';
import { singleton } from '../../singleton';
import { WorkLoop } from '../../work-loop';
import { OperationBoard, type OperationListener } from '../record/board';
import { type ClaimedItem, claimItems, listClaimed, type NewOutcome } from '../record/claims';
import { itemClaims } from '../record/open-items';
import {
  findOperation,
  finishIfDone,
  forgetOperationsBefore,
  listItems,
  listRunning,
  listTries,
  recordCancel,
  recordTryNow,
} from '../record/store';
import type { OperationItem, StoredOperation } from '../schema';
import { connectionEnd } from '../step/connection-end';
import { ConnectionLimiters } from '../step/connection-limiters';
import { StepStopped } from '../step/step-result';
import { claimShares, MAX_CLAIMED, MIN_AHEAD } from './claim-shares';
import { ItemWorker, type Work } from './item-worker';
import { Obstacles } from './obstacles';
import { OutcomeWriter } from './outcome-writer';

type Options = {
  owner: string;
  maxConcurrency: number;
  protectedKey: string;
  keepMs: number | null;
  /** Whether processes of other machines may share the database. */
  isShared: boolean;
  /** A claim expires unless it is renewed within this time. */
  leaseMs?: number;
  /** How often the work of other processes is read; four times this when there is none here. */
  syncMs?: number;
};

/** Nothing is sent with less than this share left of the claim. */
const LEASE_MARGIN = 0.2;
/** How much the clocks of processes may differ, and how late a transaction may commit. */
const CLOCK_MARGIN_MS = 3_000;
const SYNC_MS = 500;
const RETRY_MS = 1_000;
const FORGET_EVERY_MS = 60 * 60_000;
/** The name recorded when Sandkeeper cancels an operation itself. */
const ITSELF = 'Sandkeeper';

/**
 * Carries out operations. It claims items in the database before it sends anything, so that two processes never work on
 * the same item and a dead process is replaced. Every sandbox is read before its request and verified after it.
 */
export class OperationRunner {
  readonly #options: Required<Options>;
  readonly #limiters: ConnectionLimiters;
  readonly #stopListening: () => void;
  readonly #worker: ItemWorker;
  readonly #board: OperationBoard;
  readonly #writer: OutcomeWriter;
  readonly #loop = new WorkLoop({
    work: () => this.#advance().then(() => this.#nextDelayMs()),
    failureMessage: 'Carrying out operations failed:',
  });
  readonly #works = new Map<string, Work>();
  readonly #obstacles = new Obstacles();
  #begunSinceClaim = 0;
  /** When the items of an operation were last read, epoch ms by operation. */
  readonly #readAtMs = new Map<string, number>();
  readonly #leaseTimer: LeaseTimer;
  #forgotAtMs = 0;
  #syncedAtMs = 0;
  /** When `tryNow` was last called in any process, as far as it was read here, by the clock of the database. */
  #tries: Map<ConnectionName, number> | null = null;

  constructor(options: Options) {
    this.#options = {
      leaseMs: config().timing.claimMs,
      syncMs: SYNC_MS,
      ...options,
    };
    this.#leaseTimer = new LeaseTimer(this.#options.leaseMs);
    this.#limiters = new ConnectionLimiters({
      ceiling: options.maxConcurrency,
      onHold: () => this.#board.noteHold(),
    });
    this.#board = new OperationBoard(() => this.#limiters.holds());
    this.#stopListening = connections().listen({ onEnd: (name) => this.#endConnection(name) });
    this.#worker = new ItemWorker({
      ...options,
      board: this.#board,
      limiterOf: (key) => this.#limiters.of(connectionOf(key)),
      requireClaim: (work) => this.#requireClaim(work),
      noteBegun: (work) => this.#noteBegun(work),
    });
    this.#writer = new OutcomeWriter(options.owner, (outcomes) => this.#written(outcomes));
  }

  /** Continues the operations under way and starts polling for new ones. Call once at start. */
  async open(): Promise<void> {
    await this.#advance();
    this.#loop.poke();
  }

  /** Starts an operation that has been recorded. Returns at once; listeners get its progress. */
  start(operation: StoredOperation, items: OperationItem[]): void {
    this.#board.put(operation, items);
    this.#loop.poke();
  }

  /** Stops the items whose request has not been sent. Record the cancel first. */
  cancel(operationId: string, by: string, atMs: number): void {
    this.#noteCancel(operationId, by, atMs);
    this.#loop.poke();
  }

  /** Stops the operations whose people may not go on. Call it when sessions or grants have changed. */
  async recheckAuthority(): Promise<void> {
    this.#obstacles.forgetAll();
    await Promise.all(this.#board.running().map(({ id }) => this.#isObstructed(id)));
  }

  /** Publishes outcomes found elsewhere, as by a recheck of unknown ones. */
  note(operationId: string, items: readonly OperationItem[]): void {
    for (const item of items) this.#board.noteItem(operationId, item);
  }

  /**
   * Sends a request to a connection although its service asked to wait, here at once and in the other processes with their
   * next sync. If it succeeds, the others follow.
   */
  async tryNow(connection: ConnectionName): Promise<void> {
    this.#tryNowHere(connection);
    const atMs = await recordTryNow(connection);
    // The next sync does not try again because of this call.
    this.#tries?.set(connection, Math.max(this.#tries.get(connection) ?? 0, atMs));
  }

  /** The sandboxes with an open item. */
  busyKeys(): Set<SandboxKey> {
    return this.#board.busyKeys();
  }

  /** Sends no further requests and releases the claims. */
  async close(): Promise<void> {
    this.#stopListening();
    const closing = this.#loop.close();
    for (const work of this.#works.values()) drop(work);
    await closing;
    await this.#writer.close();
    await itemClaims.release(this.#options.owner).catch(() => {});
  }

  /** Sends `listener` every operation under way, then every change, until the returned function is called. */
  listen(listener: OperationListener): () => void {
    return this.#board.listen(listener);
  }

  #tryNowHere(connection: ConnectionName): void {
    this.#limiters.of(connection).tryNow();
    this.#worker.tryNow(connection);
    // A list that was refused is what a bulk operation waits for.
    if (connectionEnd(connection) === null) fleetWatcher(connection).refresh();
  }

  /** Ends the items of a connection that is no longer in use. The others go on. */
  #endConnection(name: ConnectionName): void {
    for (const work of this.#works.values()) this.#stopIfDisconnected(work);
    this.#limiters.end(name);
    this.#board.noteHold();
    this.#loop.poke();
  }

  #stopIfDisconnected({ item, stop }: Work): void {
    const end = connectionEnd(connectionOf(item.sandboxKey));
    if (end !== null) stop.abort(end);
  }

  #nextDelayMs(): number {
    const running = this.#board.running();
    const { syncMs } = this.#options;
    if (running.length === 0) return 4 * syncMs;
    const nowMs = Date.now();
    const dueMs = running.map(({ startsAtMs }) => startsAtMs - nowMs).filter((ms) => ms > 0);
    return Math.min(syncMs, ...dueMs);
  }

  async #advance(): Promise<void> {
    await this.#renew();
    // Before the sync, so that a new operation starts without waiting for it.
    await this.#claim();
    const { syncMs } = this.#options;
    const everyMs = this.#board.running().length > 0 ? syncMs : 4 * syncMs;
    if (Date.now() - this.#syncedAtMs >= everyMs) {
      await this.#sync();
      await this.#claim();
    }
    for (const { id } of this.#board.running()) await this.#finishIfDone(id);
    await this.#forget();
  }

  /** Renews the claims. After they may have expired, drops the work on items that another process has taken over. */
  async #renew(): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const { leftMs } = this.#leaseTimer;
    if (leftMs > (leaseMs * 2) / 3) return;
    await this.#leaseTimer.renew(async () => {
      if (this.#works.size === 0) return;
      await itemClaims.renew({ owner, leaseMs });
      if (leftMs > 0) return;
      const held = await listClaimed(owner);
      for (const [key, work] of this.#works) if (!held.has(key)) drop(work);
    });
  }

  /** Reads the operations, cancels and outcomes that other processes have written. */
  async #sync(): Promise<void> {
    const running = await listRunning();
    const { isShared, owner } = this.#options;
    if (running.length > 0 && !isShared) await itemClaims.releaseEnded(owner);
    await this.#hearTries();
    const ids = new Set([...running, ...this.#board.running().map(({ id }) => id)]);
    for (const id of ids) await this.#syncOperation(id);
    this.#syncedAtMs = Date.now();
  }

  /** Follows a person who asked another process to send at once. Earlier requests than this process are over. */
  async #hearTries(): Promise<void> {
    const heard = this.#tries;
    const latest = await listTries();
    this.#tries = latest;
    if (heard === null) return;
    for (const [connection, atMs] of latest) {
      const heardMs = heard.get(connection) ?? 0;
      if (atMs > heardMs) this.#tryNowHere(connection);
      else latest.set(connection, heardMs);
    }
  }

  async #syncOperation(id: string): Promise<void> {
    const isKnown = this.#board.has(id);
    const lastReadMs = this.#readAtMs.get(id);
    const nowMs = Date.now();
    const operation = await findOperation(id);
    if (!operation) return;
    const items = await listItems(id, lastReadMs === undefined ? undefined : lastReadMs - CLOCK_MARGIN_MS);
    this.#readAtMs.set(id, nowMs);
    if (!isKnown) this.#board.put(operation, items);
    for (const item of items) if (item.outcome !== 'waiting') this.#board.noteItem(id, item);
    if (operation.cancelledAtMs !== null && operation.cancelledBy !== null)
      this.#noteCancel(id, operation.cancelledBy, operation.cancelledAtMs, operation.cancelReason ?? null);
    if (operation.state === 'finished') this.#noteFinish(id, operation.finishedAtMs ?? nowMs);
  }

  #noteCancel(operationId: string, by: string, atMs: number, reason: string | null = null): void {
    const known = this.#board.find(operationId);
    if (!known || known.cancelledAtMs !== null || known.state === 'finished') return;
    this.#board.note(operationId, {
      cancelledAtMs: atMs,
      cancelledBy: by,
      ...(reason === null ? {} : { cancelReason: reason }),
    });
    const stopped = new Set<string>();
    for (const work of this.#works.values()) {
      if (work.operationId !== operationId) continue;
      stopped.add(work.item.sandboxKey);
      work.stop.abort(new StepStopped());
    }
    // Unclaimed items are already recorded as cancelled. Other processes report the items they have claimed.
    void listItems(operationId)
      .then((items) =>
        this.note(
          operationId,
          items.filter(({ sandboxKey }) => !stopped.has(sandboxKey)),
        ),
      )
      .then(() => this.#loop.poke())
      .catch(() => {});
  }

  /** Whether the person may not go on. The operation is then cancelled, for all processes. */
  async #isObstructed(operationId: string): Promise<boolean> {
    const operation = this.#board.find(operationId);
    if (!operation || operation.cancelledAtMs !== null) return false;
    const obstacle = await this.#obstacles.find(operation);
    if (obstacle === null) return false;
    const nowMs = Date.now();
    await recordCancel(operationId, ITSELF, nowMs, obstacle);
    this.#noteCancel(operationId, ITSELF, nowMs, obstacle);
    this.#loop.poke();
    return true;
  }

  #noteFinish(operationId: string, atMs: number): void {
    this.#readAtMs.delete(operationId);
    this.#obstacles.forget(operationId);
    if (this.#board.find(operationId)?.state === 'running')
      this.#board.note(operationId, { state: 'finished', finishedAtMs: atMs });
  }

  async #finishIfDone(operationId: string): Promise<void> {
    if (!this.#board.isWorkedOff(operationId)) return;
    const nowMs = Date.now();
    if (await finishIfDone(operationId, nowMs)) this.#noteFinish(operationId, nowMs);
  }

  async #claim(): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const nowMs = Date.now();
    const due = this.#board
      .running()
      .filter(({ id, startsAtMs }) => startsAtMs <= nowMs && !this.#board.isWorkedOff(id))
      .map(({ id }) => ({ id, open: this.#board.openIn(id) }));
    this.#begunSinceClaim = 0;
    for (const { id, open } of due)
      for (const [connection, items] of open) if (items > 0) await this.#takeOver(id, connection);
    const limitOf = (connection: ConnectionName) => this.#limiters.of(connection).limit;
    for (const { operationId, connection, max } of claimShares({
      due,
      works: this.#works.values(),
      limitOf,
    })) {
      const items = await claimItems(operationId, { owner, leaseMs, max, connection });
      for (const item of items) this.#begin(operationId, item);
    }
  }

  /**
   * Claims all items of earlier claims at once. A process that worked fast leaves many whose request was sent, and one reading
   * verifies all of them.
   */
  async #takeOver(operationId: string, connection: ConnectionName): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const held = [...this.#works.values()].filter(({ item }) => connectionOf(item.sandboxKey) === connection);
    const max = MAX_CLAIMED - held.length;
    if (max <= 0) return;
    const items = await claimItems(operationId, { owner, leaseMs, max, connection, isAbandoned: true });
    for (const item of items) this.#begin(operationId, item);
  }

  #begin(operationId: string, item: ClaimedItem): void {
    const key = `${operationId}/${item.sandboxKey}`;
    if (this.#works.has(key)) return;
    const work: Work = { operationId, item, stop: new AbortController(), isLost: false, hasBegun: false };
    this.#works.set(key, work);
    // An item of a cancelled operation is still open only if an earlier process may have sent its request.
    if (this.#board.find(operationId)?.cancelledAtMs != null) work.stop.abort(new StepStopped());
    this.#stopIfDisconnected(work);
    void this.#work(work)
      .catch((error) => console.error(`Operation ${operationId}, sandbox ${item.sandboxKey}:`, error))
      .finally(() => {
        this.#works.delete(key);
        this.#noteBegun(work);
      });
  }

  #noteBegun(work: Work): void {
    if (work.hasBegun) return;
    work.hasBegun = true;
    this.#begunSinceClaim += 1;
    if (this.#begunSinceClaim >= MIN_AHEAD / 4) this.#loop.poke();
  }

  async #work(work: Work): Promise<void> {
    const { operationId, item } = work;
    const result = await this.#worker.work(work);
    if (!result || work.isLost) return;
    const { sandbox, ...outcome } = result;
    if (sandbox === null && connectionEnd(connectionOf(item.sandboxKey)) === null)
      watcherOf(item.sandboxKey).recordGone(item.sandboxKey);
    this.#writer.add({ operationId, sandboxKey: item.sandboxKey, ...outcome });
  }

  /** Waits until this process certainly holds the claim. Call right before sending. Throws if the work was stopped. */
  async #requireClaim(work: Work): Promise<void> {
    work.stop.signal.throwIfAborted();
    while (this.#leaseTimer.leftMs < this.#options.leaseMs * LEASE_MARGIN) {
      this.#leaseTimer.expire();
      // Without the database nothing is sent, because its outcome could not be recorded.
      await this.#renew().catch(() => new Promise((resolve) => setTimeout(resolve, RETRY_MS)));
      work.stop.signal.throwIfAborted();
    }
    await this.#requireAuthority(work);
  }

  /** Without the database nothing is sent: whether the person may go on is unknown. */
  async #requireAuthority(work: Work): Promise<void> {
    for (;;) {
      try {
        if (await this.#isObstructed(work.operationId)) throw new StepStopped();
        work.stop.signal.throwIfAborted();
        return;
      } catch (error) {
        if (error instanceof StepStopped) throw error;
        work.stop.signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #written(outcomes: readonly NewOutcome[]): void {
    for (const { operationId, ...item } of outcomes) this.#board.noteItem(operationId, item);
    if (outcomes.some(({ operationId }) => this.#board.isWorkedOff(operationId))) this.#loop.poke();
  }

  async #forget(): Promise<void> {
    const { keepMs } = this.#options;
    const nowMs = Date.now();
    if (keepMs === null || nowMs - this.#forgotAtMs < FORGET_EVERY_MS) return;
    this.#forgotAtMs = nowMs;
    await forgetOperationsBefore(nowMs - keepMs);
    await deleteEntriesBefore(nowMs - keepMs);
  }
}

function drop(work: Work): void {
  work.isLost = true;
  work.stop.abort(new StepStopped());
}

export function operationRunner(): OperationRunner {
  return singleton('operation-runner', () => {
    const { maxConcurrency, protectedKey, keepMs } = config().operations;
    const isShared = !config().databaseUrl.startsWith('file:');
    return new OperationRunner({ owner: processOwner(), maxConcurrency, protectedKey, keepMs, isShared });
  });
}
