import 'server-only';
import { forgetAccessBefore } from '../../access/audit';
import { config } from '../../config';
import { fleetWatcher } from '../../fleet/watcher';
import { LeaseTimer } from '../../lease/lease-timer';
import { processOwner } from '../../lease/owner';
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
  listRunningIds,
} from '../record/store';
import type { Operation, OperationEvent, OperationItem } from '../schema';
import { RateLimiter } from '../step/rate-limiter';
import { StepStopped } from '../step/step-result';
import { ItemWorker, type Work } from './item-worker';
import { OutcomeWriter } from './outcome-writer';

type Options = {
  owner: string;
  maxConcurrency: number;
  protectedKey: string;
  keepMs: number | null;
  /** Other processes than those of this machine may share the database. */
  isShared: boolean;
  leaseMs?: number;
};

/** A claim that is not renewed for this long is anybody's. */
const LEASE_MS = 15_000;
/** A claim that ends this soon is not trusted for sending. */
const LEASE_MARGIN_MS = 3_000;
/** Sandboxes that this process works on at once, most of them waiting for the reading that verifies them. */
const MAX_CLAIMED = 2_048;
/** Those that wait for their turn are enough to keep the pace supplied and no more: the rest is for other processes. */
const MIN_SUPPLY = 64;
const SUPPLY_PER_SLOT = 4;
/** How soon is noticed what other processes have done. */
const LOOK_ROUND_MS = 500;
const LOOK_ROUND_IDLE_MS = 2_000;
const RETRY_MS = 1_000;
const FORGET_EVERY_MS = 60 * 60_000;

/**
 * Works operations off. Items are claimed from the database before anything is sent, so that what a dead process has
 * left is taken over and no two processes work on one sandbox; each is read before and verified after.
 */
export class OperationRunner {
  readonly #options: Required<Options>;
  readonly #pace: RateLimiter;
  readonly #worker: ItemWorker;
  readonly #board: OperationBoard;
  readonly #writer: OutcomeWriter;
  readonly #turns = new WorkLoop({
    turn: () => this.#turn().then(() => this.#nextTurnMs()),
    doing: 'Operations cannot be worked on:',
  });
  readonly #works = new Map<string, Work>();
  #begunSinceClaim = 0;
  /** Up to when the database was asked what others did, epoch ms by operation. */
  readonly #seenUntilMs = new Map<string, number>();
  readonly #leaseTimer: LeaseTimer;
  #forgotAtMs = 0;
  #lookedRoundAtMs = 0;

  constructor(options: Options) {
    this.#options = { leaseMs: LEASE_MS, ...options };
    this.#leaseTimer = new LeaseTimer(this.#options.leaseMs);
    this.#pace = new RateLimiter({ ceiling: options.maxConcurrency, onHold: () => this.#board.noteHold() });
    this.#board = new OperationBoard(() => this.#pace.heldUntilMs);
    this.#worker = new ItemWorker({
      ...options,
      board: this.#board,
      pace: this.#pace,
      requireClaim: (work) => this.#requireClaim(work),
      noteBegun: (work) => this.#noteBegun(work),
    });
    this.#writer = new OutcomeWriter(options.owner, (outcomes) => this.#written(outcomes));
  }

  /** Takes up what is under way, and looks for more from time to time. Call once at start. */
  async open(): Promise<void> {
    await this.#turn();
    this.#turns.poke();
  }

  /** Takes an operation that has just been recorded. Returns at once; listeners hear the rest. */
  start(operation: Operation, items: OperationItem[]): void {
    this.#board.put(operation, items);
    this.#turns.poke();
  }

  /** Stops what has not been sent; the record must say so already. */
  cancel(operationId: string, by: string, atMs: number): void {
    this.#noteCancel(operationId, by, atMs);
    this.#turns.poke();
  }

  /** News of items from elsewhere, as of another look at what was unknown. */
  note(operationId: string, items: readonly OperationItem[]): void {
    for (const item of items) this.#board.noteItem(operationId, item);
  }

  /** Sandboxes that an operation is working on or is about to. */
  busyIds(): Set<string> {
    return this.#board.busyIds();
  }

  /** Sends nothing more and lets others take what is left. */
  async close(): Promise<void> {
    const closing = this.#turns.close();
    for (const work of this.#works.values()) {
      work.isLost = true;
      work.stop.abort(new StepStopped());
    }
    await closing;
    await this.#writer.close();
    await itemClaims.release(this.#options.owner).catch(() => {});
  }

  /** Tells `listener` of everything under way, then of every change, until the answered function is called. */
  listen(listener: (event: OperationEvent) => void): () => void {
    return this.#board.listen(listener);
  }

  #nextTurnMs(): number {
    const running = this.#board.running();
    if (running.length === 0) return LOOK_ROUND_IDLE_MS;
    const nowMs = Date.now();
    const dueMs = running.map(({ startsAtMs }) => startsAtMs - nowMs).filter((ms) => ms > 0);
    return Math.min(LOOK_ROUND_MS, ...dueMs);
  }

  async #turn(): Promise<void> {
    await this.#renew();
    // First, so that what has just been confirmed need not wait for what others may have done.
    await this.#claim();
    const everyMs = this.#board.running().length > 0 ? LOOK_ROUND_MS : LOOK_ROUND_IDLE_MS;
    if (Date.now() - this.#lookedRoundAtMs >= everyMs) {
      await this.#lookRound();
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

  /** Learns of operations, cancels and outcomes that other processes, or an earlier one, have written. */
  async #lookRound(): Promise<void> {
    const ids = await listRunningIds();
    const { isShared, owner } = this.#options;
    if (ids.length > 0 && !isShared) await itemClaims.releaseEnded(owner);
    for (const id of new Set([...ids, ...this.#board.running().map((operation) => operation.id)])) {
      await this.#learn(id);
    }
    this.#lookedRoundAtMs = Date.now();
  }

  async #learn(id: string): Promise<void> {
    const isKnown = this.#board.has(id);
    const seenMs = this.#seenUntilMs.get(id);
    const askedAtMs = Date.now();
    const operation = await findOperation(id);
    if (!operation) return;
    // Clocks of several machines differ a little, and what is written is seen a little later.
    const items = await listItems(id, seenMs === undefined ? undefined : seenMs - LEASE_MARGIN_MS);
    this.#seenUntilMs.set(id, askedAtMs);
    if (!isKnown) this.#board.put(operation, items);
    for (const item of items) if (item.outcome !== 'waiting') this.#board.noteItem(id, item);
    if (operation.cancelledAtMs !== null && operation.cancelledBy !== null)
      this.#noteCancel(id, operation.cancelledBy, operation.cancelledAtMs);
    if (operation.state === 'finished') this.#noteFinish(id, operation.finishedAtMs ?? askedAtMs);
  }

  #noteCancel(operationId: string, by: string, atMs: number): void {
    const known = this.#board.find(operationId);
    if (!known || known.cancelledAtMs !== null || known.state === 'finished') return;
    this.#board.note(operationId, { cancelledAtMs: atMs, cancelledBy: by });
    const worked = new Set<string>();
    for (const work of this.#works.values()) {
      if (work.operationId !== operationId) continue;
      worked.add(work.item.sandboxId);
      work.stop.abort(new StepStopped());
    }
    // What nobody has claimed is cancelled in the record already; others' claims are told when they are settled.
    void listItems(operationId)
      .then((items) =>
        this.note(
          operationId,
          items.filter(({ sandboxId }) => !worked.has(sandboxId)),
        ),
      )
      .then(() => this.#turns.poke())
      .catch(() => {});
  }

  #noteFinish(operationId: string, atMs: number): void {
    this.#seenUntilMs.delete(operationId);
    if (this.#board.find(operationId)?.state === 'running')
      this.#board.note(operationId, { state: 'finished', finishedAtMs: atMs });
  }

  async #finishIfDone(operationId: string): Promise<void> {
    if (!this.#board.isWorkedOff(operationId)) return;
    const nowMs = Date.now();
    if (await finishIfDone(operationId, nowMs)) this.#noteFinish(operationId, nowMs);
  }

  /** Takes more to do, each operation its share: a small one need not wait for a large one to end. */
  async #claim(): Promise<void> {
    const { owner, leaseMs } = this.#options;
    const nowMs = Date.now();
    const due = this.#board
      .running()
      .filter(({ id, startsAtMs }) => startsAtMs <= nowMs && !this.#board.isWorkedOff(id));
    this.#begunSinceClaim = 0;
    const share = Math.ceil(this.#supply() / Math.max(1, due.length));
    for (const operation of due) {
      const worked = [...this.#works.values()].filter(({ operationId }) => operationId === operation.id);
      if (worked.length >= this.#board.openIn(operation.id)) continue;
      const unbegun = worked.filter(({ hasBegun }) => !hasBegun).length;
      const room = Math.min(share - unbegun, MAX_CLAIMED - this.#works.size);
      // In batches: a claim for every single sandbox would cost a write each.
      if (room < share / 2) continue;
      const items = await claimItems(operation.id, { owner, leaseMs, max: room });
      for (const item of items) this.#begin(operation.id, item);
    }
  }

  #supply(): number {
    return Math.max(MIN_SUPPLY, SUPPLY_PER_SLOT * this.#pace.limit);
  }

  #begin(operationId: string, item: ClaimedItem): void {
    const key = `${operationId}/${item.sandboxId}`;
    if (this.#works.has(key)) return;
    const work: Work = { operationId, item, stop: new AbortController(), isLost: false, hasBegun: false };
    this.#works.set(key, work);
    // Claimed of a cancelled operation: only an earlier process can tell whether it was sent, and it is gone.
    if (this.#board.find(operationId)?.cancelledAtMs != null) work.stop.abort(new StepStopped());
    void this.#work(work)
      .catch((error) => console.error(`Operation ${operationId}, sandbox ${item.sandboxId}:`, error))
      .finally(() => {
        this.#works.delete(key);
        this.#noteBegun(work);
      });
  }

  #noteBegun(work: Work): void {
    if (work.hasBegun) return;
    work.hasBegun = true;
    this.#begunSinceClaim += 1;
    if (this.#begunSinceClaim >= MIN_SUPPLY / 4) this.#turns.poke();
  }

  async #work(work: Work): Promise<void> {
    const { operationId, item } = work;
    const worked = await this.#worker.work(work);
    if (!worked || work.isLost) return;
    const { sandbox, ...outcome } = worked;
    if (sandbox === null) fleetWatcher().settleGone(item.sandboxId);
    this.#writer.add({ operationId, sandboxId: item.sandboxId, ...outcome });
  }

  /** The last look before sending: this process must still hold the claim, and nobody may have stopped it. */
  async #requireClaim(work: Work): Promise<void> {
    work.stop.signal.throwIfAborted();
    while (this.#leaseTimer.leftMs < LEASE_MARGIN_MS) {
      this.#leaseTimer.expire();
      // While the database is away, nothing is sent: whatever came of it could not be written down.
      await this.#renew().catch(() => new Promise((resolve) => setTimeout(resolve, RETRY_MS)));
      work.stop.signal.throwIfAborted();
    }
  }

  #written(outcomes: readonly NewOutcome[]): void {
    for (const { operationId, ...item } of outcomes) this.#board.noteItem(operationId, item);
    if (outcomes.some(({ operationId }) => this.#board.isWorkedOff(operationId))) this.#turns.poke();
  }

  async #forget(): Promise<void> {
    const { keepMs } = this.#options;
    const nowMs = Date.now();
    if (keepMs === null || nowMs - this.#forgotAtMs < FORGET_EVERY_MS) return;
    this.#forgotAtMs = nowMs;
    await forgetOperationsBefore(nowMs - keepMs);
    await forgetAccessBefore(nowMs - keepMs);
  }
}

function drop(work: Work): void {
  work.isLost = true;
  work.stop.abort(new StepStopped());
}

/** The runner of this process. */
export function operationRunner(): OperationRunner {
  return singleton('operation-runner', () => {
    const { maxConcurrency, protectedKey, keepMs } = config().operations;
    const isShared = !config().databaseUrl.startsWith('file:');
    return new OperationRunner({ owner: processOwner(), maxConcurrency, protectedKey, keepMs, isShared });
  });
}
