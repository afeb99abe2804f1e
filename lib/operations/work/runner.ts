import 'server-only';
import { deleteAccessBefore } from '../../access/audit';
import { config } from '../../config';
import { connections } from '../../connections/registry';
import { fleetWatchers, watcherOf } from '../../fleet/watchers';
import { LeaseTimer } from '../../lease/lease-timer';
import { processOwner } from '../../lease/owner';
import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';
import { singleton } from '../../singleton';
import { WorkLoop } from '../../work-loop';
import { OperationBoard } from '../record/board';
import { type ClaimedItem, claimItems, listClaimed, type NewOutcome } from '../record/claims';
import { itemClaims } from '../record/open-items';
import {
  findOperation,
  finishIfDone,
  forgetOperationsBefore,
  listItems,
  listRunning,
  type RunningOperation,
  recordTryNow,
} from '../record/store';
import type { Hold, Operation, OperationEvent, OperationItem } from '../schema';
import { RateLimiter } from '../step/rate-limiter';
import { StepStopped } from '../step/step-result';
import { ItemWorker, type Work } from './item-worker';
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
/** Most claimed items wait for the reading that verifies them. */
const MAX_CLAIMED = 2_048;
/** Items claimed ahead of the rate limiter: enough to keep it busy, while the rest stays free for other processes. */
const MIN_AHEAD = 64;
const AHEAD_PER_SLOT = 4;
const SYNC_MS = 500;
const RETRY_MS = 1_000;
const FORGET_EVERY_MS = 60 * 60_000;

/**
 * Carries out operations. It claims items in the database before it sends anything, so that two processes never work on
 * the same item and a dead process is replaced. Every sandbox is read before its request and verified after it.
 */
export class OperationRunner {
  readonly #options: Required<Options>;
  /** One for each connection, so that a slow service holds up nothing but its own sandboxes. */
  readonly #limiters = new Map<ConnectionName, RateLimiter>();
  readonly #worker: ItemWorker;
  readonly #board: OperationBoard;
  readonly #writer: OutcomeWriter;
  readonly #loop = new WorkLoop({
    work: () => this.#advance().then(() => this.#nextDelayMs()),
    failureMessage: 'Carrying out operations failed:',
  });
  readonly #works = new Map<string, Work>();
  #begunSinceClaim = 0;
  /** When the items of an operation were last read, epoch ms by operation. */
  readonly #readAtMs = new Map<string, number>();
  readonly #leaseTimer: LeaseTimer;
  #forgotAtMs = 0;
  #syncedAtMs = 0;
  /** When `tryNow` was last called in any process, as far as it was read here, by the clock of the database. */
  #triedAtMs = 0;

  constructor(options: Options) {
    this.#options = { leaseMs: config().timing.claimMs, syncMs: SYNC_MS, ...options };
    this.#leaseTimer = new LeaseTimer(this.#options.leaseMs);
    this.#board = new OperationBoard(() => this.#latestHold());
    this.#worker = new ItemWorker({
      ...options,
      board: this.#board,
      limiterOf: (key) => this.#limiterOf(key),
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
  start(operation: Operation, items: OperationItem[]): void {
    this.#board.put(operation, items);
    this.#loop.poke();
  }

  /** Stops the items whose request has not been sent. Record the cancel first. */
  cancel(operationId: string, by: string, atMs: number): void {
    this.#noteCancel(operationId, by, atMs);
    this.#loop.poke();
  }

  /** Publishes outcomes found elsewhere, as by a recheck of unknown ones. */
  note(operationId: string, items: readonly OperationItem[]): void {
    for (const item of items) this.#board.noteItem(operationId, item);
  }

  /**
   * Sends a request although the service asked to wait, here at once and in the other processes with their next sync. If it
   * succeeds, the others follow.
   */
  async tryNow(): Promise<void> {
    this.#tryNowHere();
    // The next sync does not try again because of this call.
    this.#triedAtMs = Math.max(this.#triedAtMs, await recordTryNow());
  }

  /** The sandboxes with an open item. */
  busyKeys(): Set<SandboxKey> {
    return this.#board.busyKeys();
  }

  /** Sends no further requests and releases the claims. */
  async close(): Promise<void> {
    const closing = this.#loop.close();
    for (const work of this.#works.values()) drop(work);
    await closing;
    await this.#writer.close();
    await itemClaims.release(this.#options.owner).catch(() => {});
  }

  /** Sends `listener` every operation under way, then every change, until the returned function is called. */
  listen(listener: (event: OperationEvent) => void): () => void {
    return this.#board.listen(listener);
  }

  #limiterOf(key: SandboxKey): RateLimiter {
    const name = connectionOf(key);
    const known = this.#limiters.get(name);
    if (known !== undefined) return known;
    const limiter = new RateLimiter({
      ceiling: this.#options.maxConcurrency,
      onHold: () => this.#board.noteHold(),
    });
    this.#limiters.set(name, limiter);
    return limiter;
  }

  #latestHold(): Hold | null {
    const holds = [...this.#limiters.values()].flatMap(({ hold }) => hold ?? []);
    return holds.reduce<Hold | null>(
      (latest, hold) => (hold.untilMs > (latest?.untilMs ?? 0) ? hold : latest),
      null,
    );
  }

  #tryNowHere(): void {
    for (const limiter of this.#limiters.values()) limiter.tryNow();
    this.#worker.tryNow();
    // A list that was refused is what a bulk operation waits for.
    for (const [, watcher] of fleetWatchers()) watcher.refresh();
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
    this.#hearTryNow(running);
    const ids = [...running, ...this.#board.running()].map(({ id }) => id);
    for (const id of new Set(ids)) await this.#syncOperation(id);
    this.#syncedAtMs = Date.now();
  }

  /** Follows a person who asked another process to send at once. */
  #hearTryNow(running: readonly RunningOperation[]): void {
    const latestMs = Math.max(0, ...running.map(({ tryNowAtMs }) => tryNowAtMs));
    if (latestMs <= this.#triedAtMs) return;
    this.#triedAtMs = latestMs;
    this.#tryNowHere();
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
      this.#noteCancel(id, operation.cancelledBy, operation.cancelledAtMs);
    if (operation.state === 'finished') this.#noteFinish(id, operation.finishedAtMs ?? nowMs);
  }

  #noteCancel(operationId: string, by: string, atMs: number): void {
    const known = this.#board.find(operationId);
    if (!known || known.cancelledAtMs !== null || known.state === 'finished') return;
    this.#board.note(operationId, { cancelledAtMs: atMs, cancelledBy: by });
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

  #noteFinish(operationId: string, atMs: number): void {
    this.#readAtMs.delete(operationId);
    if (this.#board.find(operationId)?.state === 'running')
      this.#board.note(operationId, { state: 'finished', finishedAtMs: atMs });
  }

  async #finishIfDone(operationId: string): Promise<void> {
    if (!this.#board.isWorkedOff(operationId)) return;
    const nowMs = Date.now();
    if (await finishIfDone(operationId, nowMs)) this.#noteFinish(operationId, nowMs);
  }

  /** Claims more items, an equal share for each operation, so that a small one does not wait for a large one. */
  async #claim(): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const nowMs = Date.now();
    const due = this.#board
      .running()
      .filter(({ id, startsAtMs }) => startsAtMs <= nowMs && !this.#board.isWorkedOff(id));
    this.#begunSinceClaim = 0;
    const share = Math.ceil(this.#maxAhead() / Math.max(1, due.length));
    for (const operation of due) {
      await this.#takeOver(operation.id);
      const works = [...this.#works.values()].filter(({ operationId }) => operationId === operation.id);
      if (works.length >= this.#board.openIn(operation.id)) continue;
      const unbegun = works.filter(({ hasBegun }) => !hasBegun).length;
      const room = Math.min(share - unbegun, MAX_CLAIMED - this.#works.size);
      // Claim in batches: each claim is a write.
      if (room < share / 2) continue;
      const items = await claimItems(operation.id, { owner, leaseMs, max: room });
      for (const item of items) this.#begin(operation.id, item);
    }
  }

  /**
   * Claims all items of earlier claims at once. A process that worked fast leaves many whose request was sent, and one reading
   * verifies all of them.
   */
  async #takeOver(operationId: string): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const max = MAX_CLAIMED - this.#works.size;
    if (max <= 0) return;
    const items = await claimItems(operationId, { owner, leaseMs, max, isAbandoned: true });
    for (const item of items) this.#begin(operationId, item);
  }

  #maxAhead(): number {
    const slots = [...this.#limiters.values()].reduce((sum, { limit }) => sum + limit, 0);
    return Math.max(MIN_AHEAD, AHEAD_PER_SLOT * slots);
  }

  #begin(operationId: string, item: ClaimedItem): void {
    const key = `${operationId}/${item.sandboxKey}`;
    if (this.#works.has(key)) return;
    const work: Work = { operationId, item, stop: new AbortController(), isLost: false, hasBegun: false };
    this.#works.set(key, work);
    // An item of a cancelled operation is still open only if an earlier process may have sent its request.
    if (this.#board.find(operationId)?.cancelledAtMs != null) work.stop.abort(new StepStopped());
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
    if (sandbox === null && connections().find(connectionOf(item.sandboxKey))?.isDisabled === false)
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
    await deleteAccessBefore(nowMs - keepMs);
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
