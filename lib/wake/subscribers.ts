import type { SandboxKey } from '../sandbox-key';
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
  readonly #bySandbox = new Map<SandboxKey, Set<Known>>();

  get isEmpty(): boolean {
    return this.#bySandbox.size === 0;
  }

  /** Returns a function that removes the viewer. */
  add(sandboxKey: SandboxKey, subscriber: Subscriber): () => void {
    const known = { ...subscriber, sentText: null };
    const here = this.#bySandbox.get(sandboxKey) ?? new Set();
    this.#bySandbox.set(sandboxKey, here.add(known));
    return () => {
      here.delete(known);
      if (here.size === 0 && this.#bySandbox.get(sandboxKey) === here) this.#bySandbox.delete(sandboxKey);
    };
  }

  /** The viewers that keep it awake, each session once. */
  viewersOf(sandboxKey: SandboxKey): Viewer[] {
    const bySession = new Map<string, Viewer>();
    for (const { counts, sessionId, userId, actor } of this.#bySandbox.get(sandboxKey) ?? [])
      if (counts) bySession.set(sessionId, { sessionId, userId, actor });
    return [...bySession.values()];
  }

  sandboxKeys(): SandboxKey[] {
    return [...this.#bySandbox.keys()];
  }

  /** Sends each viewer the state if it has changed for them. */
  publish(sandboxKey: SandboxKey, stateFor: (viewer: Viewer) => WakeState): void {
    for (const known of this.#bySandbox.get(sandboxKey) ?? []) {
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
