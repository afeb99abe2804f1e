import 'server-only';
import { CommandSlots } from '../../commands/concurrency';
import { runCommandInSandbox } from '../../commands/step';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { watcherOf } from '../../fleet/watchers';
import type { Sandbox } from '../../sandbox/schema';
import { serviceNowMs } from '../../sandbox-api/configured';
import { asksToSlowDown } from '../../sandbox-api/errors';
import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';
import { Archiver } from '../archive/archiver';
import { driftOf } from '../plan/plan';
import { deadlineDrift } from '../plan/time-left';
import type { OperationBoard } from '../record/board';
import type { ClaimedItem } from '../record/claims';
import { type ItemArchive, MAX_GRACE_MS, type Operation } from '../schema';
import { describeWait } from '../step/asked-wait';
import { connectionEnd } from '../step/connection-end';
import { ConnectionLimiters } from '../step/connection-limiters';
import type { RateLimiter, Verdict } from '../step/rate-limiter';
import { readTarget, sourceFor } from '../step/read-target';
import type { StepResult } from '../step/step-result';
import { askToEnd } from './graceful';
import { runStep } from './steps';

const MAX_GRACEFUL = 128;
const MAX_ARCHIVING = 4;
/** The maximum of a timer: an archiving slot is held however long it takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export type Work = {
  operationId: string;
  item: ClaimedItem;
  stop: AbortController;
  isLost: boolean;
  /** A request was sent to the service or the sandbox. */
  hasBegun: boolean;
};

/** Shows that an item is being worked on. */
type Begin = (message: string | null) => void;

export type Worked = StepResult & { tookMs: number | null; saved?: ItemArchive };

type Options = {
  owner: string;
  maxConcurrency: number;
  protectedKey: string;
  board: OperationBoard;
  /** Limits the requests that change sandboxes of one connection. */
  limiterOf: (key: SandboxKey) => RateLimiter;
  /** The last check before sending: rejects if this process has lost its claim. */
  requireClaim: (work: Work) => Promise<void>;
  /** Called before the first request for an item. */
  noteBegun: (work: Work) => void;
};

/** Processes one claimed item: reads the sandbox, sends the request, and verifies the outcome. */
export class ItemWorker {
  readonly #options: Options;
  readonly #board: OperationBoard;
  readonly #graceful = new ConnectionLimiters({ ceiling: MAX_GRACEFUL, slowAfterMs: 2 * MAX_GRACE_MS });
  readonly #archiving = new ConnectionLimiters({ ceiling: MAX_ARCHIVING, slowAfterMs: MAX_TIMER_MS });
  readonly #commandSlots = new Map<ConnectionName, CommandSlots>();
  /** Ends each wait of a single item, by its connection. */
  readonly #waits = new Map<() => void, ConnectionName>();

  constructor(options: Options) {
    this.#options = options;
    this.#board = options.board;
  }

  /** Resolves to the outcome, or to `null` if the operation is unknown here. Never rejects because of the service. */
  async work(work: Work): Promise<Worked | null> {
    const { operationId, item } = work;
    const operation = this.#board.find(operationId);
    if (!operation) return null;
    let beganAtMs: number | null = null;
    // Queued archives do not count as started, so no more are claimed.
    const needsArchive = operation.params.exportPath !== undefined;
    const begin = (message: string | null, isWaiting = false) => {
      beganAtMs ??= Date.now();
      if (!isWaiting) this.#options.noteBegun(work);
      const { sandboxKey } = item;
      this.#board.noteItem(operationId, { sandboxKey, outcome: 'sending', message, tookMs: null });
    };
    const worked = (result: StepResult): Worked => ({
      ...result,
      tookMs: beganAtMs === null ? null : Date.now() - beganAtMs,
    });
    if (operation.act === 'run') return worked(await this.#run(work, operation, begin));
    const archiver = this.#archiverFor(work, operation, begin);
    const result = await runStep({
      act: operation.act,
      params: operation.params,
      shown: item.sandbox,
      // An earlier process may have changed the sandbox after the plan was read.
      sinceMs: item.wasClaimed ? Date.now() : operation.createdAtMs,
      mayHaveBeenSent: item.wasClaimed,
      read: (key, sinceMs) => this.#read(work, key, sinceMs),
      latest: (key) => watcherOf(key).find(key),
      driftOf: (shown, now) => this.#driftOf(operation, shown, now),
      send: (call) => this.#send(work, call, begin),
      waitAsAsked: (refusal, refusals) => this.#waitAsAsked(work, { refusal, refusals, begin }),
      askToEnd: async (key, graceMs) => {
        // An item that waits for processes must not keep others from being claimed.
        if (!needsArchive) this.#options.noteBegun(work);
        const slot = await this.#graceful.of(connectionOf(key)).take(operationId, work.stop.signal);
        begin('Waiting for its processes to end', needsArchive);
        try {
          return await askToEnd(key, graceMs, work.stop.signal);
        } catch (thrown) {
          work.stop.signal.throwIfAborted();
          throw thrown;
        } finally {
          slot.release('fine');
        }
      },
      archiver,
    });
    return { ...worked(result), ...(archiver?.saved ? { saved: archiver.saved } : {}) };
  }

  #archiverFor(
    work: Work,
    { id: operationId, act, actorId: userId, actor, params }: Operation,
    begin: (message: string) => void,
  ): Archiver | null {
    if (act !== 'kill' || params.exportPath === undefined) return null;
    const { dir, limitBytes } = config().archives;
    const { signal } = work.stop;
    return new Archiver({
      operationId,
      sandboxKey: work.item.sandboxKey,
      who: { userId, actor },
      path: params.exportPath,
      owner: this.#options.owner,
      archiveDir: dir,
      limitBytes,
      isTakenOver: work.item.wasClaimed,
      signal,
      takeSlot: () => this.#archiving.of(connectionOf(work.item.sandboxKey)).take(operationId, signal),
      onProgress: (message) => begin(message),
      requireClaim: () => this.#options.requireClaim(work),
    });
  }

  #run(work: Work, { params, createdAtMs }: Operation, begin: (message: string | null) => void) {
    const { operationId, item, stop } = work;
    return runCommandInSandbox({
      id: { operationId, sandboxKey: item.sandboxKey },
      params,
      shown: item.sandbox,
      sinceMs: item.wasClaimed ? Date.now() : createdAtMs,
      wasClaimed: item.wasClaimed,
      read: (key, sinceMs) => this.#read(work, key, sinceMs),
      driftOf: (shown, now) => driftOf(shown, now, null),
      take: () => this.#slotsFor(item.sandboxKey).take(operationId, stop.signal),
      requireClaim: () => this.#options.requireClaim(work),
      begin: (message) => begin(message),
      signal: stop.signal,
      isGivenUp: () => work.isLost,
    });
  }

  #slotsFor(key: SandboxKey): CommandSlots {
    const name = connectionOf(key);
    const slots = this.#commandSlots.get(name) ?? new CommandSlots(this.#options.maxConcurrency);
    this.#commandSlots.set(name, slots);
    return slots;
  }

  #driftOf({ id, act, params }: Operation, shown: Sandbox, now: Sandbox): string | null {
    // A single protected sandbox was confirmed by its id.
    const isBulk = this.#board.sizeOf(id) > 1;
    const drift = driftOf(shown, now, isBulk ? this.#options.protectedKey : null);
    if (drift !== null || act !== 'setTimeout') return drift;
    return deadlineDrift(shown, now, params, serviceNowMs(shown.key));
  }

  async #read({ operationId, hasBegun }: Work, key: SandboxKey, sinceMs: number): Promise<Sandbox | null> {
    const end = connectionEnd(connectionOf(key));
    if (end !== null) throw end;
    const isKilled = hasBegun && this.#board.find(operationId)?.act === 'kill';
    return readTarget(key, {
      source: sourceFor(this.#board.sizeIn(operationId, connectionOf(key))),
      sinceMs,
      expected: isKilled ? 'gone' : 'present',
    });
  }

  /** Ends the waits of single items of a connection. */
  tryNow(connection: ConnectionName): void {
    for (const [end, name] of [...this.#waits]) if (name === connection) end();
  }

  /** Waits until a sandbox may accept the request, and shows that. Rejects if the operation is cancelled. */
  #waitAsAsked(
    { item, stop: { signal } }: Work,
    { refusal, refusals, begin }: { refusal: SandkeeperError; refusals: number; begin: Begin },
  ): Promise<void> {
    const { waitMs, text } = describeWait(refusal, refusals);
    begin(text);
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#waits.delete(end);
        signal.removeEventListener('abort', onAbort);
      };
      const end = () => {
        leave();
        begin(null);
        resolve();
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const timer = setTimeout(end, waitMs);
      this.#waits.set(end, connectionOf(item.sandboxKey));
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
    });
  }

  async #send<T>(work: Work, call: () => Promise<T>, begin: (message: string | null) => void): Promise<T> {
    const slot = await this.#options.limiterOf(work.item.sandboxKey).take(work.operationId, work.stop.signal);
    let verdict: Verdict = 'failed';
    let retryAfterMs: number | undefined;
    try {
      await this.#options.requireClaim(work);
      begin(null);
      const answer = await call();
      verdict = 'fine';
      return answer;
    } catch (thrown) {
      if (thrown instanceof SandkeeperError && asksToSlowDown(thrown)) {
        verdict = 'throttled';
        retryAfterMs = thrown.retryAfterMs;
      } else if (thrown instanceof SandkeeperError && isRejection(thrown)) verdict = 'fine';
      throw thrown;
    } finally {
      slot.release(verdict, retryAfterMs);
    }
  }
}

/** Whether the service rejected the request itself, rather than throttling or failing. */
function isRejection({ code }: SandkeeperError): boolean {
  return code === 'conflict' || code === 'not_found' || code === 'quota' || code === 'invalid';
}
