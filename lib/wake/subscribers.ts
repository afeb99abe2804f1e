import type { WakeEvent, WakeState, WakeViewer } from './schema';
import type { Viewer } from './store';

/** An open page, or a task of Sandkeeper that needs the sandbox awake. */
export type Subscriber = Viewer & {
  /** Whether it keeps the sandbox awake. */
  counts: boolean;
  send: (event: WakeEvent) => void;
};

type Known = Subscriber & { sentText: string | null };

/** The viewers of each sandbox in this process. */
export class Subscribers {
  readonly #bySandbox = new Map<string, Set<Known>>();

  get isEmpty(): boolean {
    return this.#bySandbox.size === 0;
  }

  /** Returns a function that removes the viewer. */
  add(sandboxId: string, subscriber: Subscriber): () => void {
    const known = { ...subscriber, sentText: null };
    const here = this.#bySandbox.get(sandboxId) ?? new Set();
    this.#bySandbox.set(sandboxId, here.add(known));
    return () => {
      here.delete(known);
      if (here.size === 0 && this.#bySandbox.get(sandboxId) === here) this.#bySandbox.delete(sandboxId);
    };
  }

  /** The viewers that keep it awake, each session once. */
  viewersOf(sandboxId: string): Viewer[] {
    const bySession = new Map<string, Viewer>();
    for (const { counts, sessionId, actor } of this.#bySandbox.get(sandboxId) ?? [])
      if (counts) bySession.set(sessionId, { sessionId, actor });
    return [...bySession.values()];
  }

  sandboxIds(): string[] {
    return [...this.#bySandbox.keys()];
  }

  /** Sends each viewer the state if it has changed for them. */
  publish(sandboxId: string, stateFor: (viewer: Viewer) => WakeState): void {
    for (const known of this.#bySandbox.get(sandboxId) ?? []) {
      const state = stateFor(known);
      const text = JSON.stringify(state);
      if (text === known.sentText) continue;
      known.sentText = text;
      known.send({ state, sentAtMs: Date.now() });
    }
  }
}

/** `viewers` as seen by `you`: each session once, your own first. */
export function viewersFor(you: Viewer, viewers: readonly Viewer[]): WakeViewer[] {
  const bySession = new Map(viewers.map(({ sessionId, actor }) => [sessionId, actor]));
  return [...bySession]
    .map(([sessionId, actor]) => ({ actor, isYou: sessionId === you.sessionId }))
    .sort((one, other) => Number(other.isYou) - Number(one.isYou));
}
