import { liveSocket } from '../live/socket';
import type { SandboxAct } from '../sandbox/can';
import { isFinal, type Operation, type OperationEvent, type OperationItem } from './schema';

/** What is being done to a sandbox at this moment. */
export type ActUnderWay = { act: SandboxAct; operationId: string };

const REMEMBER_MS = 30_000;

type FinishListener = (operation: Operation, items: OperationItem[]) => void;

/** Operations as this tab hears of them: which sandboxes are being acted on, and what became of those one asked for. */
export class OperationProgress {
  readonly #listeners = new Set<() => void>();
  readonly #awaited = new Map<string, FinishListener>();
  readonly #items = new Map<string, Map<string, OperationItem>>();
  /** Ends that came before anybody asked: a fast operation is over before its action has answered. */
  readonly #finished = new Map<string, [Operation, OperationItem[]]>();
  #underWay: ReadonlyMap<string, ActUnderWay> = new Map();

  /** By sandbox id; a new map whenever it changes. */
  readonly underWay = (): ReadonlyMap<string, ActUnderWay> => this.#underWay;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls `listener` once, when the operation has finished, with what became of each sandbox. */
  whenFinished(operationId: string, listener: FinishListener): void {
    const finished = this.#finished.get(operationId);
    if (finished) listener(...finished);
    else this.#awaited.set(operationId, listener);
  }

  receive({ operation, items }: OperationEvent): void {
    const underWay = new Map(this.#underWay);
    const known = this.#items.get(operation.id) ?? new Map<string, OperationItem>();
    this.#items.set(operation.id, known);
    for (const item of items) {
      known.set(item.sandboxId, item);
      if (!isFinal(item.outcome))
        underWay.set(item.sandboxId, { act: operation.act, operationId: operation.id });
      else if (underWay.get(item.sandboxId)?.operationId === operation.id) underWay.delete(item.sandboxId);
    }
    this.#underWay = underWay;
    for (const listener of this.#listeners) listener();
    if (operation.state === 'finished') this.#finish(operation, [...known.values()]);
  }

  /** Events were missed. Whatever is still under way is told again on joining. */
  forget(): void {
    this.#underWay = new Map();
    for (const listener of this.#listeners) listener();
  }

  #finish(operation: Operation, items: OperationItem[]): void {
    this.#items.delete(operation.id);
    this.#finished.set(operation.id, [operation, items]);
    setTimeout(() => this.#finished.delete(operation.id), REMEMBER_MS);
    const listener = this.#awaited.get(operation.id);
    this.#awaited.delete(operation.id);
    listener?.(operation, items);
  }
}

let tabProgress: OperationProgress | null = null;

/** The operations of this tab. In the browser only. */
export function operationProgress(): OperationProgress {
  if (tabProgress) return tabProgress;
  const progress = new OperationProgress();
  tabProgress = progress;
  liveSocket().subscribe('operations', {
    onEvent: (payload) => progress.receive(payload as OperationEvent),
    onGap: () => progress.forget(),
  });
  return progress;
}
