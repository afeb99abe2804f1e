import type { SandboxKey } from '../sandbox-key';
import type { Viewer } from './store';

type Visit = Viewer & { awaySinceMs: number | null };

/** Tracks arrivals and departures for the audit log. Being away for less than the grace period is not a departure. */
export class Visits {
  readonly #graceMs: number;
  readonly #bySandbox = new Map<SandboxKey, Map<string, Visit>>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** Adds a viewer whose arrival is already recorded. */
  expect(sandboxKey: SandboxKey, viewer: Viewer): void {
    this.#of(sandboxKey).set(viewer.sessionId, { ...viewer, awaySinceMs: null });
  }

  /** Returns the viewers who joined and left, given those who are `here` now. */
  note(sandboxKey: SandboxKey, here: readonly Viewer[], nowMs: number): { joined: Viewer[]; left: Viewer[] } {
    const visits = this.#of(sandboxKey);
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
  forget(sandboxKey: SandboxKey): void {
    this.#bySandbox.delete(sandboxKey);
  }

  #of(sandboxKey: SandboxKey): Map<string, Visit> {
    const visits = this.#bySandbox.get(sandboxKey) ?? new Map<string, Visit>();
    this.#bySandbox.set(sandboxKey, visits);
    return visits;
  }
}
