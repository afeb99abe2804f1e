import 'server-only';
import { CommandSlots } from '../../commands/concurrency';
import { runCommandInSandbox } from '../../commands/step';
import { config } from '../../config';
import { SandkeeperError } from '../../errors';
import { fleetWatcher } from '../../fleet/watcher';
import type { Sandbox } from '../../sandbox/schema';
import { getSandbox } from '../../sandbox-api/control';
import { asksToSlowDown } from '../../sandbox-api/errors';
import { Archiver } from '../archive/archiver';
import { driftOf } from '../plan/plan';
import type { OperationBoard } from '../record/board';
import type { ClaimedItem } from '../record/claims';
import { type ItemArchive, MAX_GRACE_MS, type Operation } from '../schema';
import { RateLimiter, type Verdict } from '../step/rate-limiter';
import type { StepResult } from '../step/step-result';
import { askToEnd } from './graceful';
import { runStep } from './steps';

/** An operation of so few is read one by one, which is quicker than the list of a large fleet. */
const FEW = 4;
const MAX_GRACEFUL = 128;
/** A turn to save files is held for as long as it takes: longest, by what a timer can count. */
const MAX_SAVING = 4;
const LONGEST_TURN_MS = 2 ** 31 - 1;

/** Work on one claimed item. */
export type Work = {
  operationId: string;
  item: ClaimedItem;
  stop: AbortController;
  isLost: boolean;
  /** Something has been asked of the service, or of the sandbox. */
  hasBegun: boolean;
};

/** What came of one item, as it goes into the record. */
export type Worked = StepResult & { tookMs: number | null; saved?: ItemArchive };

type Options = {
  owner: string;
  maxConcurrency: number;
  protectedKey: string;
  board: OperationBoard;
  /** What all requests that change a sandbox keep to. */
  pace: RateLimiter;
  /** The last look before sending: rejects if the item is no longer this process's to work on. */
  requireClaim: (work: Work) => Promise<void>;
  /** The first time that something has been asked for the sake of the item. */
  noteBegun: (work: Work) => void;
};

/** Works one claimed item off: reads the sandbox, asks for the act in its turn, and verifies what came of it. */
export class ItemWorker {
  readonly #options: Options;
  readonly #board: OperationBoard;
  readonly #graceful = new RateLimiter({ ceiling: MAX_GRACEFUL, slowAfterMs: 2 * MAX_GRACE_MS });
  readonly #saving = new RateLimiter({ ceiling: MAX_SAVING, slowAfterMs: LONGEST_TURN_MS });
  readonly #runTurns: CommandSlots;

  constructor(options: Options) {
    this.#options = options;
    this.#board = options.board;
    this.#runTurns = new CommandSlots(options.maxConcurrency);
  }

  /** Resolves to how it ended, or to null if its operation is not known here. What the service answers never rejects. */
  async work(work: Work): Promise<Worked | null> {
    const { operationId, item } = work;
    const operation = this.#board.find(operationId);
    if (!operation) return null;
    let beganAtMs: number | null = null;
    // Those that wait for their turn to be saved are enough and need no company: they count as not begun until then.
    const isToSave = operation.params.exportPath !== undefined;
    const begin = (message: string | null, isWaiting = false) => {
      beganAtMs ??= Date.now();
      if (!isWaiting) this.#options.noteBegun(work);
      const { sandboxId } = item;
      this.#board.noteItem(operationId, { sandboxId, outcome: 'sending', message, tookMs: null });
    };
    const worked = (result: StepResult): Worked => ({
      ...result,
      tookMs: beganAtMs === null ? null : Date.now() - beganAtMs,
    });
    if (operation.act === 'run') return worked(await this.#run(work, operation, begin));
    const saver = this.#saverFor(work, operation, begin);
    const result = await runStep({
      act: operation.act,
      params: operation.params,
      shown: item.sandbox,
      // What an earlier process has read or done is not known to us.
      sinceMs: item.wasClaimed ? Date.now() : operation.createdAtMs,
      mayHaveBeenSent: item.wasClaimed,
      read: (id, sinceMs) => this.#read(work, id, sinceMs),
      latest: (id) => fleetWatcher().find(id),
      driftOf: (shown, now) => this.#driftOf(operationId, shown, now),
      send: (call) => this.#send(work, call, begin),
      askToEnd: async (id, graceMs) => {
        // Waiting for processes is no waiting for a turn: it must not keep others from being claimed.
        if (!isToSave) this.#options.noteBegun(work);
        const slot = await this.#graceful.take(operationId, work.stop.signal);
        begin('Waiting for its processes to end', isToSave);
        try {
          return await askToEnd(id, graceMs, work.stop.signal);
        } catch (thrown) {
          work.stop.signal.throwIfAborted();
          throw thrown;
        } finally {
          slot.release('fine');
        }
      },
      saver,
    });
    return { ...worked(result), ...(saver?.saved ? { saved: saver.saved } : {}) };
  }

  #saverFor(
    work: Work,
    { id: operationId, act, actor, params }: Operation,
    begin: (message: string) => void,
  ): Archiver | null {
    if (act !== 'kill' || params.exportPath === undefined) return null;
    const { dir, limitBytes } = config().archives;
    const { signal } = work.stop;
    return new Archiver({
      operationId,
      sandboxId: work.item.sandboxId,
      actor,
      path: params.exportPath,
      owner: this.#options.owner,
      archiveDir: dir,
      limitBytes,
      isTakenOver: work.item.wasClaimed,
      signal,
      takeTurn: () => this.#saving.take(operationId, signal),
      tell: (message) => begin(message),
      requireClaim: () => this.#options.requireClaim(work),
    });
  }

  #run(work: Work, { params, createdAtMs }: Operation, begin: (message: string | null) => void) {
    const { operationId, item, stop } = work;
    return runCommandInSandbox({
      id: { operationId, sandboxId: item.sandboxId },
      params,
      shown: item.sandbox,
      sinceMs: item.wasClaimed ? Date.now() : createdAtMs,
      wasClaimed: item.wasClaimed,
      read: (id, sinceMs) => this.#read(work, id, sinceMs),
      driftOf: (shown, now) => driftOf(shown, now, null),
      take: () => this.#runTurns.take(operationId, stop.signal),
      requireClaim: () => this.#options.requireClaim(work),
      begin: () => begin(null),
      signal: stop.signal,
      isGivenUp: () => work.isLost,
    });
  }

  #driftOf(operationId: string, shown: Sandbox, now: Sandbox): string | null {
    // One that was asked for alone was confirmed as the protected one it is.
    const isBulk = this.#board.sizeOf(operationId) > 1;
    return driftOf(shown, now, isBulk ? this.#options.protectedKey : null);
  }

  async #read({ operationId, hasBegun }: Work, id: string, sinceMs: number): Promise<Sandbox | null> {
    if (this.#board.sizeOf(operationId) > FEW) {
      const isKilled = hasBegun && this.#board.find(operationId)?.act === 'kill';
      return fleetWatcher().readSince(id, sinceMs, isKilled ? 'gone' : 'there');
    }
    const askedAtMs = Date.now();
    try {
      const sandbox = await getSandbox(id);
      // Spares everybody the wait for the next reading.
      fleetWatcher().settle(sandbox, askedAtMs);
      return fleetWatcher().asListed(sandbox);
    } catch (thrown) {
      if (thrown instanceof SandkeeperError && thrown.code === 'not_found') return null;
      throw thrown;
    }
  }

  async #send<T>(work: Work, call: () => Promise<T>, begin: (message: string | null) => void): Promise<T> {
    const slot = await this.#options.pace.take(work.operationId, work.stop.signal);
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
      } else if (thrown instanceof SandkeeperError && isAnswer(thrown)) verdict = 'fine';
      throw thrown;
    } finally {
      slot.release(verdict, retryAfterMs);
    }
  }
}

/** The service has answered for good or ill, and did not ask for less. */
function isAnswer({ code }: SandkeeperError): boolean {
  return code === 'conflict' || code === 'not_found' || code === 'quota' || code === 'invalid';
}
