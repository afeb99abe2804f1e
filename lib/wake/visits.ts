import type { Viewer } from './store';

type Visit = Viewer & { goneSinceMs: number | null };

/** Who came and who left, for the record: who is gone for less than the grace has not left. */
export class Visits {
  readonly #graceMs: number;
  readonly #bySandbox = new Map<string, Map<string, Visit>>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Somebody of whom the record says already that they are there. */
  expect(sandboxId: string, viewer: Viewer): void {
    this.#of(sandboxId).set(viewer.sessionId, { ...viewer, goneSinceMs: null });
  }

  /** Who is new among those that are `here` now, and who is gone for good. */
  note(sandboxId: string, here: readonly Viewer[], nowMs: number): { joined: Viewer[]; left: Viewer[] } {
    const visits = this.#of(sandboxId);
    const joined = here.filter(({ sessionId }) => !visits.has(sessionId));
    for (const viewer of here) visits.set(viewer.sessionId, { ...viewer, goneSinceMs: null });
    const present = new Set(here.map(({ sessionId }) => sessionId));
    const left: Viewer[] = [];
    for (const [sessionId, visit] of visits) {
      if (present.has(sessionId)) continue;
      visit.goneSinceMs ??= nowMs;
      if (nowMs - visit.goneSinceMs < this.#graceMs) continue;
      visits.delete(sessionId);
      left.push(visit);
    }
    return { joined, left };
  }

  /** The review is over, for everybody. */
  forget(sandboxId: string): void {
    this.#bySandbox.delete(sandboxId);
  }

  #of(sandboxId: string): Map<string, Visit> {
    const visits = this.#bySandbox.get(sandboxId) ?? new Map<string, Visit>();
    this.#bySandbox.set(sandboxId, visits);
    return visits;
  }
}
