import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dialect } from './dialect';

/**
 * The interface between the control plane (records, timeouts, the API) and the guest side (processes and files). The
 * control plane decides when each step happens; `Guests` and `DataPlane` carry it out and never touch records.
 */

/** A snapshot of a sandbox at the time of the call. */
export type Guest = {
  readonly id: string;
  readonly templateId: string;
  readonly state: GuestState;
  /** Whether envd requests need `accessToken` (docs/protocol.md#envd-access-check). */
  readonly secure: boolean;
  /** Stays the same across pause and resume. Set even if `secure` is false. */
  readonly accessToken: string;
  /** Whose variables are set inside. */
  readonly dialect: Dialect;
  readonly envVars: Readonly<Record<string, string>>;
  readonly cpuCount: number;
  readonly memoryMB: number;
  readonly diskSizeMB: number;
  readonly allowInternetAccess: boolean;
  /** The `Host` that servers inside see, where `${PORT}` stands for their port (docs/protocol.md#ports-of-a-sandbox). */
  readonly maskRequestHost?: string;
  /** Ports whose servers speak TLS. */
  readonly httpsPorts: readonly number[];
  /** Absolute path of the sandbox's own directory, created at first use. */
  readonly dataDir: string;
};

type GuestState = 'running' | 'pausing' | 'paused' | 'killing';

export type Usage = {
  /** 100 is one busy core. */
  readonly cpuUsedPct: number;
  readonly memUsedBytes: number;
  readonly diskUsedBytes: number;
};

/** Expected about every 5 s while the sandbox runs and has been used. */
export type MetricSample = Usage & { readonly timestampMs: number };

export type LogEventType = 'stdout' | 'stderr' | 'process_start' | 'process_end';

/** A log entry (docs/protocol.md#log-entries). */
export type LogEntry = {
  readonly timestampMs: number;
  readonly eventType: LogEventType;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
};

/** Receives logs and metrics from the guest side. Never throws and ignores unknown ids. */
export interface GuestSink {
  recordLog(id: string, entry: LogEntry): void;
  recordMetric(id: string, sample: MetricSample): void;
}

/**
 * Whether this machine can run processes. `reason` says in one sentence what to install or change, and `notes` name the
 * protections that are missing here.
 */
export type ProcessSupport = {
  readonly available: boolean;
  readonly reason?: string;
  readonly notes?: readonly string[];
};

/**
 * The processes and files of all sandboxes. The control plane makes one call per id at a time. A rejection fails the
 * API call with 500 and its message.
 */
export interface Guests {
  readonly processes: ProcessSupport;
  /** Whether a sandbox that may have internet access reaches anything beyond its own loopback. */
  readonly hasNetwork: boolean;
  /**
   * Called once at start, before the first request, with every recorded sandbox. No process has survived the last
   * engine; other directories are leftovers and may be deleted.
   */
  recover(known: readonly Guest[]): Promise<void>;
  /**
   * Must be cheap without `files`: an unused sandbox has no process and no directory.
   * @param files a directory of `saveFiles`, copied into the sandbox. Default: the files of its template.
   */
  create(guest: Guest, files?: string): Promise<void>;
  /**
   * Cuts open requests and freezes every process, or ends every process unless `keepsMemory`. What is
   * left is the snapshot.
   */
  pause(id: string, keepsMemory: boolean): Promise<void>;
  /**
   * Continues the same processes, or ends them first unless `keepsMemory`. Also called for an unused sandbox, or one
   * paused before a restart.
   */
  resume(guest: Guest, keepsMemory: boolean): Promise<void>;
  /** Stops every process of a sandbox that falls back to its last pause (docs/protocol.md#older-snapshots). */
  revert(id: string): Promise<void>;
  /** Removes every process and file. Also called for an unused sandbox, and again after a failure. */
  destroy(id: string): Promise<void>;
  /**
   * Copies the files of a running sandbox to a new directory, while its processes are frozen.
   * @param target an absolute path that does not exist yet. Left incomplete if the copy fails or `signal` aborts it.
   */
  saveFiles(guest: Guest, target: string, signal: AbortSignal): Promise<void>;
  /** Whether a process of the sandbox runs, which fixes its network. */
  isInUse(id: string): boolean;
  /** Whether the sandbox has had neither a process nor a file of its own. */
  isUnused(id: string): boolean;
  /** The current usage; null if the sandbox is not running or not measured yet. Must not block. */
  usage(id: string): Usage | null;
  /** Stops every process before the engine ends. Must settle within about a second. */
  close(): Promise<void>;
}

/** Other ports belong to servers inside the sandbox. */
export const ENVD_PORT = 49983;

/**
 * Serves requests to running sandboxes (docs/protocol.md#routing-a-request), the access check included
 * (docs/protocol.md#envd-access-check). Nothing of the body has been read.
 */
export interface DataPlane {
  handle(
    guest: Guest,
    port: number,
    request: IncomingMessage,
    response: ServerResponse,
    upgrade?: Upgrade,
  ): void | Promise<void>;
}

/** A request that changes the protocol of its connection, for example to WebSocket. */
export type Upgrade = {
  readonly socket: Duplex;
  /** What the client has already sent in the new protocol. */
  readonly head: Buffer;
};

export type GuestContext = {
  readonly sink: GuestSink;
  /** Absolute path of the existing parent of all sandbox directories, mode 0711. */
  readonly guestsDir: string;
  /** The sandbox as currently recorded; undefined if it does not exist. */
  findGuest(id: string): Guest | undefined;
  /** Writes one line for the operator to stderr. */
  warn(message: string): void;
};

export type GuestRuntime = { readonly guests: Guests; readonly dataPlane: DataPlane };
export type OpenGuests = (context: GuestContext) => GuestRuntime | Promise<GuestRuntime>;
