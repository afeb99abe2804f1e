import type { Viewer } from './store';

type Visit = Viewer & { awaySinceMs: number | null };

/** Tracks arrivals and departures for the audit log. Being away for less than the grace period is not a departure. */
export class Visits {
  readonly #graceMs: number;
  readonly #bySandbox = new Map<string, Map<string, Visit>>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Adds a viewer whose arrival is already recorded. */
  expect(sandboxId: string, viewer: Viewer): void {
    this.#of(sandboxId).set(viewer.sessionId, { ...viewer, awaySinceMs: null });
  }

  /** Returns the viewers who joined and left, given those who are `here` now. */
  note(sandboxId: string, here: readonly Viewer[], nowMs: number): { joined: Viewer[]; left: Viewer[] } {
    const visits = this.#of(sandboxId);
    const joined = here.filter(({ sessionId }) => !visits.has(sessionId));
    for (const viewer of here) visits.set(viewer.sessionId, { ...viewer, awaySinceMs: null });
    const present = new Set(here.map(({ sessionId }) => sessionId));
    const left: Viewer[] = [];
    for (const [sessionId, visit] of visits) {
      if (present.has(sessionId)) continue;
      visit.awaySinceMs ??= nowMs;
      if (nowMs - visit.awaySinceMs < this.#graceMs) continue;
      visits.delete(sessionId);
      left.push(visit);
    }
    return { joined, left };
  }

  /** Drops all visits of a wake that is over. */
  forget(sandboxId: string): void {
    this.#bySandbox.delete(sandboxId);
  }

  #of(sandboxId: string): Map<string, Visit> {
    const visits = this.#bySandbox.get(sandboxId) ?? new Map<string, Visit>();
    this.#bySandbox.set(sandboxId, visits);
    return visits;
  }
}
