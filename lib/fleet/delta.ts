import type { Failure } from '../result';
import type { Sandbox } from '../sandbox/schema';

/** How much of the fleet is known, and since when. What a list must say so that it does not lie. */
export type FleetStatus = {
  /** When the last complete reading began, epoch ms; `null` before the first. */
  asOfMs: number | null;
  /** What keeps the list from being current, or `null`. The last good rows stay. */
  problem: Failure | null;
  /** Rows the service sent in a form we do not understand, and so are missing from the list. */
  unreadable: number;
  /** How many sandboxes may run at once, where the service says so. */
  maxRunning: number | null;
};

/** The whole fleet at one moment. `epoch` names the server process that counts `seq`. */
export type FleetSnapshot = { epoch: string; seq: number; sandboxes: Sandbox[]; status: FleetStatus };

/** What changed since `seq - 1`. */
export type FleetDelta = { seq: number; changed: Sandbox[]; removed: string[] };

/** What the `fleet` channel says: where it stands when one joins, then what changes. */
export type FleetEvent =
  | { kind: 'hello'; epoch: string; seq: number; status: FleetStatus }
  | { kind: 'delta'; delta: FleetDelta; status: FleetStatus }
  | { kind: 'status'; status: FleetStatus };

/** Whether two readings of one sandbox say the same. */
export function sameSandbox(a: Sandbox, b: Sandbox): boolean {
  return (
    a.state === b.state &&
    a.startedAtMs === b.startedAtMs &&
    a.endAtMs === b.endAtMs &&
    a.templateId === b.templateId &&
    a.alias === b.alias &&
    a.cpuCount === b.cpuCount &&
    a.memoryMB === b.memoryMB &&
    a.diskSizeMB === b.diskSizeMB &&
    a.envdVersion === b.envdVersion &&
    sameMetadata(a.metadata, b.metadata)
  );
}

function sameMetadata(a: Sandbox['metadata'], b: Sandbox['metadata']): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/**
 * Collects changes between two publications: the last word on each id counts, and an id that came and went
 * within one batch leaves only its removal.
 */
export class ChangeBatch {
  readonly #changed = new Map<string, Sandbox>();
  readonly #removed = new Set<string>();

  get isEmpty(): boolean {
    return this.#changed.size === 0 && this.#removed.size === 0;
  }

  change(sandbox: Sandbox): void {
    this.#removed.delete(sandbox.id);
    this.#changed.set(sandbox.id, sandbox);
  }

  remove(id: string): void {
    this.#changed.delete(id);
    this.#removed.add(id);
  }

  /** The batch so far as a delta numbered `seq`; the batch is empty afterwards. */
  take(seq: number): FleetDelta {
    const delta = { seq, changed: [...this.#changed.values()], removed: [...this.#removed] };
    this.#changed.clear();
    this.#removed.clear();
    return delta;
  }
}
