import type { Failure } from '../result';
import { LACKS_NOTHING, type Lacking } from '../sandbox/capabilities';
import type { Sandbox } from '../sandbox/schema';
import type { SandboxKey } from '../sandbox-key';

/** How complete and how current the list is. */
export type FleetStatus = {
  /** The start of the last complete reading, epoch ms. `null` before the first. */
  asOfMs: number | null;
  /** The error of the last reading, or `null`. Earlier rows stay. */
  problem: Failure | null;
  /** The number of rows without a usable id, which are missing from the list. */
  unreadable: number;
  /** The last reading did not reach the end of the list: rows may be missing, and gone ones may remain. */
  isEndless: boolean;
  /** How far the service's clock, which starts and deadlines are on, is ahead of the server's, ms. */
  serviceAheadMs: number;
  /** The limit of running sandboxes. `null` if the service does not report it. */
  maxRunning: number | null;
  /** What the service does not offer, with the reasons to show. */
  lacking: Lacking;
};

/** The status before the first reading. */
export const NOTHING_READ: FleetStatus = {
  asOfMs: null,
  problem: null,
  unreadable: 0,
  isEndless: false,
  serviceAheadMs: 0,
  maxRunning: null,
  lacking: LACKS_NOTHING,
};

/** The fleet of one connection at one moment. `epoch` identifies the server process that numbers `seq`. */
export type FleetSnapshot = { epoch: string; seq: number; sandboxes: Sandbox[]; status: FleetStatus };

/** The changes since `seq - 1`. */
export type FleetDelta = { seq: number; changed: Sandbox[]; removed: SandboxKey[] };

/** The messages of the `fleet` channel: `hello` on joining, then changes. */
export type FleetEvent = {
  status: FleetStatus;
  /** Server time, epoch ms. The browser's clock may differ. */
  sentAtMs: number;
} & (
  | { kind: 'hello'; epoch: string; seq: number }
  | { kind: 'delta'; delta: FleetDelta }
  | { kind: 'status' }
);

/** Whether two readings of a sandbox are equal. */
export function sameSandbox(a: Sandbox, b: Sandbox): boolean {
  return (
    a.state === b.state &&
    a.startedAtMs === b.startedAtMs &&
    a.firstStartedAtMs === b.firstStartedAtMs &&
    a.endAtMs === b.endAtMs &&
    a.templateId === b.templateId &&
    a.alias === b.alias &&
    a.cpuCount === b.cpuCount &&
    a.memoryMB === b.memoryMB &&
    a.diskSizeMB === b.diskSizeMB &&
    a.envdVersion === b.envdVersion &&
    a.lifecycle?.onTimeout === b.lifecycle?.onTimeout &&
    a.lifecycle?.autoResume === b.lifecycle?.autoResume &&
    sameMetadata(a.metadata, b.metadata)
  );
}

function sameMetadata(a: Sandbox['metadata'], b: Sandbox['metadata']): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/**
 * Collects changes until they are published. Only the last change of each key counts; one that was added and removed
 * in one batch remains as a removal.
 */
export class ChangeBatch {
  readonly #changed = new Map<SandboxKey, Sandbox>();
  readonly #removed = new Set<SandboxKey>();

  get isEmpty(): boolean {
    return this.#changed.size === 0 && this.#removed.size === 0;
  }

  change(sandbox: Sandbox): void {
    this.#removed.delete(sandbox.key);
    this.#changed.set(sandbox.key, sandbox);
  }

  remove(key: SandboxKey): void {
    this.#changed.delete(key);
    this.#removed.add(key);
  }

  /** Empties the batch and returns it as the delta number `seq`. */
  take(seq: number): FleetDelta {
    const delta = { seq, changed: [...this.#changed.values()], removed: [...this.#removed] };
    this.#changed.clear();
    this.#removed.clear();
    return delta;
  }
}
