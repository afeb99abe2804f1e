import type { WakeEvent, WakeState, WakeViewer } from './schema';
import type { Viewer } from './store';

/** One page that looks, or work of ours that needs the sandbox awake. */
export type Looker = Viewer & {
  /** Whether the sandbox is kept awake for it. */
  counts: boolean;
  tell: (event: WakeEvent) => void;
};

type Known = Looker & { told: string | null };

/** Who looks at which sandbox from this process. */
export class Lookers {
  readonly #bySandbox = new Map<string, Set<Known>>();

  get isEmpty(): boolean {
    return this.#bySandbox.size === 0;
  }

  /** Adds one who looks until the answered function is called. */
  add(sandboxId: string, looker: Looker): () => void {
    const known = { ...looker, told: null };
    const here = this.#bySandbox.get(sandboxId) ?? new Set();
    this.#bySandbox.set(sandboxId, here.add(known));
    return () => {
      here.delete(known);
      if (here.size === 0 && this.#bySandbox.get(sandboxId) === here) this.#bySandbox.delete(sandboxId);
    };
  }

  /** Those for whom it is kept awake, each session once. */
  viewersOf(sandboxId: string): Viewer[] {
    const bySession = new Map<string, Viewer>();
    for (const { counts, sessionId, actor } of this.#bySandbox.get(sandboxId) ?? [])
      if (counts) bySession.set(sessionId, { sessionId, actor });
    return [...bySession.values()];
  }

  sandboxIds(): string[] {
    return [...this.#bySandbox.keys()];
  }

  /** Tells everybody who looks at it how it stands, where that is news to them. */
  tell(sandboxId: string, stateFor: (looker: Viewer) => WakeState): void {
    for (const looker of this.#bySandbox.get(sandboxId) ?? []) {
      const state = stateFor(looker);
      const text = JSON.stringify(state);
      if (text === looker.told) continue;
      looker.told = text;
      looker.tell({ state, sentAtMs: Date.now() });
    }
  }
}

/** `viewers` as one of them sees them: each session once, oneself first. */
export function viewersFor(you: Viewer, viewers: readonly Viewer[]): WakeViewer[] {
  const bySession = new Map(viewers.map(({ sessionId, actor }) => [sessionId, actor]));
  return [...bySession]
    .map(([sessionId, actor]) => ({ actor, isYou: sessionId === you.sessionId }))
    .sort((one, other) => Number(other.isYou) - Number(one.isYou));
}
