import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * The seam between the control plane (records, deadlines, the API) and the place where a sandbox's processes and
 * files live. The control plane decides *when* something happens and in which order; what is behind `Guests` and
 * `DataPlane` makes it true. Nothing behind the seam reads or writes records.
 */

/** What the far side may know of a sandbox: a plain copy taken when the call is made; `id` is the identity. */
export type Guest = {
  readonly id: string;
  readonly templateId: string;
  readonly state: GuestState;
  /** True: every envd request must prove `accessToken` (header or signature, docs/protocol.md#envd-access-check). */
  readonly secure: boolean;
  /** Stable over pause and resume. Issued for every sandbox, also where `secure` is false. */
  readonly accessToken: string;
  readonly envVars: Readonly<Record<string, string>>;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskSizeMB: number;
  readonly allowInternetAccess: boolean;
  /** Absolute path of the one directory that belongs to this sandbox. May not exist yet: it is made at first use. */
  readonly dataDir: string;
};

type GuestState = 'running' | 'pausing' | 'paused' | 'killing';

/** The latest use of a sandbox's share. Totals come from the record, so they are not repeated here. */
export type Usage = {
  /** 100 = one core busy. */
  readonly cpuUsedPct: number;
  readonly memUsedBytes: number;
  readonly diskUsedBytes: number;
};

/** One point of a sandbox's metrics; expected about every 5 s while it runs and has been used. */
export type MetricSample = Usage & { readonly timestampMs: number };

export type LogEventType = 'stdout' | 'stderr' | 'process_start' | 'process_end';

/** One structured log entry, as `GET /sandboxes/{id}/logs` hands it out (docs/protocol.md#log-entries). */
export type LogEntry = {
  readonly timestampMs: number;
  readonly eventType: LogEventType;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
};

/** Where the far side reports what its guests do. Never throws; unknown ids are ignored; memory is bounded. */
export interface GuestSink {
  recordLog(id: string, entry: LogEntry): void;
  recordMetric(id: string, sample: MetricSample): void;
}

/** Whether this machine can run processes, and if not, one sentence that says what to install or change. */
export type ProcessSupport = { readonly available: boolean; readonly reason?: string };

/**
 * Processes and files of all sandboxes. For one id the control plane never runs two of these calls at a time.
 * A rejected promise is the failure of the API call (500); the message is shown to the caller.
 */
export interface Guests {
  readonly processes: ProcessSupport;
  /**
   * Called once at start, before the first request, with every sandbox that is still recorded. No process has
   * survived the engine; directories not named here are leftovers and may be deleted.
   */
  recover(known: readonly Guest[]): Promise<void>;
  /** A new sandbox. Must be cheap: an idle sandbox is a record and costs no process and no directory. */
  create(guest: Guest): Promise<void>;
  /** Freezes every process, ends open streams with `unavailable`, keeps the files: this state is the snapshot. */
  pause(id: string): Promise<void>;
  /** Lets a paused sandbox go on, same pids. Also called for one that was never used, or paused before a restart. */
  resume(guest: Guest): Promise<void>;
  /**
   * Stops every process without keeping what happened since the last `pause`: the sandbox timed out but an older
   * snapshot remains and the sandbox is listed as paused again (docs/protocol.md#older-snapshots).
   */
  revert(id: string): Promise<void>;
  /** Leaves no process and no byte. Also called for an id that was never used; may be repeated after a failure. */
  destroy(id: string): Promise<void>;
  /** Use at this moment, or null where there is nothing to measure (never used, not running). Must not block. */
  usage(id: string): Usage | null;
  /** The engine stops: no process may outlive it. Must settle within about a second. */
  close(): Promise<void>;
}

/** Where a data-plane request was addressed to: envd listens on 49983, other ports are the guest's own servers. */
export const ENVD_PORT = 49983;

/**
 * Serves requests that routing has resolved to a *running* sandbox (docs/protocol.md#routing-a-request). Everything
 * after the address is the data plane's: access checks (docs/protocol.md#envd-access-check), users, bodies, streams.
 * The control plane has read nothing of the body.
 */
export interface DataPlane {
  handle(
    guest: Guest,
    port: number,
    request: IncomingMessage,
    response: ServerResponse,
  ): void | Promise<void>;
}

/** What the far side is built with. */
export type GuestContext = {
  readonly sink: GuestSink;
  /** Absolute path; holds the directory of every sandbox. Exists, mode 0711. */
  readonly guestsDir: string;
  /** The sandbox as it is recorded now, or undefined when the id is not valid (any more). */
  findGuest(id: string): Guest | undefined;
  /** One line for the operator, on stderr. */
  warn(message: string): void;
};

export type GuestRuntime = { readonly guests: Guests; readonly dataPlane: DataPlane };
export type OpenGuests = (context: GuestContext) => GuestRuntime | Promise<GuestRuntime>;
