import { SANDBOX_ACTS, type SandboxAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';
import type { ConnectionName, SandboxKey } from '../sandbox-key';

/**
 * The outcome for one sandbox of an operation. All but `waiting` and `sending` are final.
 *
 * - `done`: confirmed by a reading; `already`: it was in this state before.
 * - `partial`: it happened, but not as requested: less time was granted, or the command ended with an error.
 * - `skipped`: it had changed since the plan was shown; `cancelled`: stopped before the request was sent.
 * - `denied`: the service refused; `failed`: a reading shows that it did not happen; `unknown`: it could not be verified.
 */
export const OUTCOMES = [
  'waiting',
  'sending',
  'done',
  'already',
  'partial',
  'skipped',
  'cancelled',
  'denied',
  'failed',
  'unknown',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

const FINAL = {
  waiting: false,
  sending: false,
  done: true,
  already: true,
  partial: true,
  skipped: true,
  cancelled: true,
  denied: true,
  failed: true,
  unknown: true,
} satisfies Record<Outcome, boolean>;

export function isFinal(outcome: Outcome): boolean {
  return FINAL[outcome];
}

const RETRIED = {
  waiting: false,
  sending: false,
  done: false,
  already: false,
  partial: false,
  skipped: false,
  cancelled: false,
  denied: true,
  failed: true,
  unknown: true,
} satisfies Record<Outcome, boolean>;

/** Whether this outcome is a failure that a retry can mend. */
export function isRetried(outcome: Outcome): boolean {
  return RETRIED[outcome];
}

/** Whether this outcome needs attention. It is never shown as a success. */
export function isTroubled(outcome: Outcome): boolean {
  return RETRIED[outcome] || outcome === 'partial';
}

/** Whether a retry includes this item. A command that was or may have been sent is never sent again. */
export function mayRetry(act: SandboxAct, outcome: Outcome): boolean {
  return RETRIED[outcome] && (act !== 'run' || outcome !== 'unknown');
}

/** The options of an action, as stored in the record. Times in ms. */
export type ActParams = {
  timeoutMs?: number;
  /** Set time left only, instead of `timeoutMs`: the time to add to the deadline that was shown. */
  addMs?: number;
  /** Set time left only: how many sandboxes it ends within five minutes, which is confirmed like a kill. */
  ends?: number;
  /** The connections of those. */
  endsIn?: ConnectionName[];
  /** Whether the timeout pauses the sandbox (true) or kills it. Absent: as it was created. */
  autoPause?: boolean;
  /** Kill only: send its processes SIGTERM first and wait this long. */
  graceMs?: number;
  /** Kill only: archive this path of each sandbox first, as `parseArchivePath` writes it. */
  exportPath?: string;
  /** Run only: the shell command, its working directory (absent: the sandbox's default) and its time limit. */
  command?: string;
  cwd?: string;
  limitMs?: number;
};

/** The archive of a sandbox's files, written before its kill. */
export type ItemArchive = {
  /** Relative to the archive directory of the server. */
  name: string;
  bytes: number;
  /** Files and folders, as `tar t` counts them. */
  entries: number;
  /** Links and unreadable files, which the archive only lists. */
  leftOut: number;
};

export type OperationState = 'running' | 'finished';

export const OPERATION_ID = /^[A-Za-z0-9_-]{1,64}$/;

export type Counts = Record<Outcome, number>;

export type OperationItem = {
  sandboxKey: SandboxKey;
  outcome: Outcome;
  /** Shown to people: the reason, or a detail. */
  message: string | null;
  /** From the first request to the reading that verified it, ms. */
  tookMs: number | null;
  /** The archive of its files. May be set although the kill failed. */
  saved?: ItemArchive;
};

/** An item with the sandbox as it was when the operation was planned. */
export type RecordedItem = OperationItem & { sandbox: Sandbox };

export type Operation = {
  id: string;
  act: SandboxAct;
  params: ActParams;
  /** The person who started it, by id, and by name as it was. */
  actorId: string;
  actor: string;
  /** Entered by the person who started it. May be empty. */
  reason: string;
  /** The filter that was on screen. May be empty. */
  filter: string;
  state: OperationState;
  createdAtMs: number;
  /** No request is sent before this time, so that a cancel changes nothing. */
  startsAtMs: number;
  finishedAtMs: number | null;
  cancelledAtMs: number | null;
  cancelledBy: string | null;
  /** Why Sandkeeper cancelled it, as the end of a sentence. Absent: it did not. */
  cancelReason?: string;
  /** The operation whose failures this one retries. */
  retryOf: string | null;
  /** The connections of its sandboxes. */
  connections: readonly ConnectionName[];
  counts: Counts;
  /** `params.command` is without its arguments, because the role of the person who reads does not show them. */
  hidesCommand?: true;
};

/** An operation on the server. Nothing of it leaves the server but through `operationFor`. */
export type StoredOperation = Operation & {
  /** The connections of the operation that it retries. */
  retriedConnections: readonly ConnectionName[];
};

/** A time in which no request is sent, because the service refused the last ones. */
export type Hold = {
  /** Epoch ms. */
  untilMs: number;
  /** Whether the service named this time. Otherwise it is ours. */
  isAsked: boolean;
};

/** A hold of one connection. The others go on. */
export type ConnectionHold = Hold & { connection: ConnectionName };

/** An event of the `operations` channel: an operation and its changed items. */
export type OperationEvent = {
  operation: Operation;
  items: OperationItem[];
  /** Connections with open items to which no requests are sent for now, because they refused the last ones. */
  holds: ConnectionHold[];
  /** Server time, epoch ms. The browser's clock may differ. */
  sentAtMs: number;
};

export const MAX_FILTER_CHARS = 2_000;
export const MAX_REASON_CHARS = 500;
/** The longest wait for processes to end before a kill. */
export const MAX_GRACE_MS = 10 * 60_000;

/** How long a plan can be started. */
export const PLAN_LIVES_MS = 5 * 60_000;

/**
 * Why a requested sandbox is skipped. `role`: the action would end it, and the person may not. `unreadable`: its connection cannot be read or is not in use; `notOffered`: its service
 * does not offer the action. These two occur only beside sandboxes of other connections.
 */
export const SKIP_KINDS = [
  'gone',
  'protected',
  'role',
  'state',
  'busy',
  'deadline',
  'unreadable',
  'notOffered',
] as const;
export type SkipKind = (typeof SKIP_KINDS)[number];
export type Skipped = { sandboxKey: SandboxKey; kind: SkipKind; reason: string; sandbox: Sandbox | null };

/** An operation before it is confirmed. */
export type OperationPlan = {
  token: string;
  act: SandboxAct;
  params: ActParams;
  targets: Sandbox[];
  skipped: Skipped[];
  /** The confirmation to type: `kill 37`, `end 37`, or the id of a protected sandbox. `null`: a click is enough. */
  mustType: string | null;
  /** How long the operation can be cancelled before its first request, ms. */
  cancelWindowMs: number;
  expiresAtMs: number;
  /** Why files cannot be archived before a kill. `null`: they can. */
  cannotArchive: string | null;
};

/** The result of starting an action without a plan. */
export type Started = { operation: Operation; skipped: Skipped[] };

/** Parses an action from the database. `null`: unknown to this version. */
export function parseAct(text: string): SandboxAct | null {
  return SANDBOX_ACTS.find((act) => act === text) ?? null;
}

/** Parses an outcome from the database. An outcome unknown to this version becomes `unknown`. */
export function parseOutcome(text: string): Outcome {
  return OUTCOMES.find((outcome) => outcome === text) ?? 'unknown';
}

export function noCounts(): Counts {
  return {
    waiting: 0,
    sending: 0,
    done: 0,
    already: 0,
    partial: 0,
    skipped: 0,
    cancelled: 0,
    denied: 0,
    failed: 0,
    unknown: 0,
  };
}

export function countOutcomes(items: Iterable<{ outcome: Outcome }>): Counts {
  const counts = noCounts();
  for (const { outcome } of items) counts[outcome] += 1;
  return counts;
}

export function totalsOf(counts: Counts): { total: number; final: number } {
  let total = 0;
  let final = 0;
  for (const outcome of OUTCOMES) {
    total += counts[outcome];
    if (isFinal(outcome)) final += counts[outcome];
  }
  return { total, final };
}
