import 'server-only';
import { fleetWatcher } from '../fleet/watcher';
import { singleton } from '../singleton';
import { isFinal, type Operation, type OperationEvent, type OperationItem } from './schema';
import { runStep } from './steps';
import { findInterrupted, recordFinish, recordOutcome } from './store';

/** Requests under way at once, over all operations. */
const CONCURRENCY = 4;
/** Finished operations are told to those who join late, so that a reload does not miss the end. */
const REMEMBER_MS = 30_000;

type Job = { operation: Operation; sandboxId: string; mayHaveBeenSent: boolean };
type Running = { operation: Operation; items: Map<string, OperationItem> };

/** Works operations off: a bounded number of sandboxes at a time, each verified, each outcome written when it is known. */
export class OperationRunner {
  readonly #running = new Map<string, Running>();
  readonly #queue: Job[] = [];
  readonly #listeners = new Set<(event: OperationEvent) => void>();
  #busy = 0;

  /** Takes a recorded operation. Returns at once; listeners hear the rest. */
  start(operation: Operation, items: OperationItem[]): void {
    const running = { operation, items: new Map(items.map((item) => [item.sandboxId, item])) };
    this.#running.set(operation.id, running);
    this.#tell({ operation, items });
    for (const { sandboxId, outcome } of items) {
      this.#queue.push({ operation, sandboxId, mayHaveBeenSent: outcome === 'sending' });
    }
    this.#pump();
  }

  /** Takes up what a stop of the process interrupted. Call once at start. */
  async resumeInterrupted(): Promise<void> {
    for (const { operation, items } of await findInterrupted()) {
      if (this.#running.has(operation.id)) continue;
      if (items.length === 0) await recordFinish(operation.id, Date.now());
      else this.start(operation, items);
    }
  }

  /** Sends nothing more. What is on its way or waiting is taken up at the next start of the process. */
  close(): void {
    this.#queue.length = 0;
  }

  /** Tells `listener` of everything under way, then of every change, until the answered function is called. */
  listen(listener: (event: OperationEvent) => void): () => void {
    this.#listeners.add(listener);
    for (const { operation, items } of this.#running.values())
      listener({ operation, items: [...items.values()] });
    return () => this.#listeners.delete(listener);
  }

  #pump(): void {
    while (this.#busy < CONCURRENCY) {
      const job = this.#queue.shift();
      if (!job) return;
      this.#busy += 1;
      void this.#work(job)
        .catch((error) => console.error(`Operation ${job.operation.id} could not be recorded:`, error))
        .finally(() => {
          this.#busy -= 1;
          this.#pump();
        });
    }
  }

  async #work({ operation, sandboxId, mayHaveBeenSent }: Job): Promise<void> {
    await this.#note(operation, { sandboxId, outcome: 'sending', message: null });
    const result = await runStep(operation.act, sandboxId, operation.params);
    if (result.sandbox) fleetWatcher().settle(result.sandbox);
    else if (result.sandbox === null) fleetWatcher().settleGone(sandboxId);
    else fleetWatcher().refresh();
    // Before the interruption we may have sent the very request that made it so.
    const { outcome, message } =
      result.outcome === 'already' && mayHaveBeenSent ? { outcome: 'done' as const, message: null } : result;
    await this.#note(operation, { sandboxId, outcome, message });
    await this.#finishIfDone(operation);
  }

  async #note(operation: Operation, item: OperationItem): Promise<void> {
    await recordOutcome(operation.id, item);
    this.#running.get(operation.id)?.items.set(item.sandboxId, item);
    this.#tell({ operation, items: [item] });
  }

  async #finishIfDone(operation: Operation): Promise<void> {
    const running = this.#running.get(operation.id);
    if (!running || running.operation.state === 'finished') return;
    if (![...running.items.values()].every(({ outcome }) => isFinal(outcome))) return;
    const finished: Operation = { ...operation, state: 'finished', finishedAtMs: Date.now() };
    running.operation = finished;
    await recordFinish(finished.id, finished.finishedAtMs ?? Date.now());
    this.#tell({ operation: finished, items: [] });
    setTimeout(() => this.#running.delete(finished.id), REMEMBER_MS).unref();
  }

  #tell(event: OperationEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** The runner of this process. */
export function operationRunner(): OperationRunner {
  return singleton('operation-runner', () => new OperationRunner());
}
