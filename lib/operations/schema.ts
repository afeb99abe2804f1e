import { SANDBOX_ACTS, type SandboxAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';

/**
 * What has become of one sandbox of an operation. `waiting` and `sending` are on their way; the rest is final.
 *
 * - `done`: it was done, and a reading confirmed it; `already`: it was so before we came.
 * - `skipped`: it had changed since it was shown, so it was left alone; `cancelled`: stopped before anything was sent.
 * - `denied`: the service does not allow it; `failed`: a reading says that it is not so; `unknown`: nobody could tell.
 */
export const OUTCOMES = [
  'waiting',
  'sending',
  'done',
  'already',
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
  skipped: true,
  cancelled: true,
  denied: true,
  failed: true,
  unknown: true,
} satisfies Record<Outcome, boolean>;

/** Whether nothing more will happen to an item with this outcome. */
export function isFinal(outcome: Outcome): boolean {
  return FINAL[outcome];
}

const RETRIED = {
  waiting: false,
  sending: false,
  done: false,
  already: false,
  skipped: false,
  cancelled: false,
  denied: true,
  failed: true,
  unknown: true,
} satisfies Record<Outcome, boolean>;

/** Whether an item with this outcome has failed in a way that somebody ought to look at. */
export function isRetried(outcome: Outcome): boolean {
  return RETRIED[outcome];
}

/** Whether "retry failed" takes an item along. A command that was or may have been sent is not sent again. */
export function mayRetry(act: SandboxAct, outcome: Outcome): boolean {
  return RETRIED[outcome] && (act !== 'run' || outcome !== 'unknown');
}

/** What an act needs to know beyond the sandbox. Times in ms. */
export type ActParams = {
  timeoutMs?: number;
  /** What happens when the time is up: pause, or kill. Left out, it stays as the sandbox was created. */
  autoPause?: boolean;
  /** Kill only: ask its processes to end (SIGTERM) and wait this long for them. */
  graceMs?: number;
  /** Kill only: save what is at and below this place of each sandbox first; see `parseArchivePath`. */
  exportPath?: string;
  /** Run only: the line for the shell, where it starts (left out: where the sandbox has it), and its time limit. */
  command?: string;
  cwd?: string;
  limitMs?: number;
};

/** Where the files of a sandbox were saved before its kill. */
export type ItemArchive = {
  /** From the export directory of the server on. */
  name: string;
  bytes: number;
  /** Files and folders, as `tar t` lists them. */
  entries: number;
  /** How many links and things that could not be read are only listed in it. */
  leftOut: number;
};

export type OperationState = 'running' | 'finished';

/** What the id of an operation looks like. */
export const OPERATION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** How many items have each outcome. */
export type Counts = Record<Outcome, number>;

export type OperationItem = {
  sandboxId: string;
  outcome: Outcome;
  /** For people: why, or what is special about it. */
  message: string | null;
  /** From the first request to the verifying reading, ms; `null` while that is not known. */
  tookMs: number | null;
  /** Its archive, where its files were saved; whatever became of it then. */
  saved?: ItemArchive;
};

/** An item as the record keeps it, with the sandbox as it was when the operation was planned. */
export type RecordedItem = OperationItem & { sandbox: Sandbox };

export type Operation = {
  id: string;
  act: SandboxAct;
  params: ActParams;
  actor: string;
  /** Why, in the words of whoever started it; may be empty. */
  reason: string;
  /** The filter that was on screen; may be empty. */
  filter: string;
  state: OperationState;
  createdAtMs: number;
  /** Nothing is sent before this; until then a cancel leaves everything as it was. */
  startsAtMs: number;
  finishedAtMs: number | null;
  cancelledAtMs: number | null;
  cancelledBy: string | null;
  /** The operation whose failures this one takes up again. */
  retryOf: string | null;
  counts: Counts;
};

/** What the `operations` channel says: an operation and those of its items that changed. */
export type OperationEvent = {
  operation: Operation;
  items: OperationItem[];
  /** The service asked us to stay away until then, epoch ms. */
  heldUntilMs: number | null;
  /** When this was said, epoch ms: the browser's clock may be another. */
  sentAtMs: number;
};

/** How much of the filter that was on screen goes into the record. */
export const MAX_FILTER_CHARS = 2_000;
/** How long a reason may be. */
export const MAX_REASON_CHARS = 500;
/** The longest that a kill may wait for processes to end, ms. */
export const MAX_GRACE_MS = 10 * 60_000;

/** How long what was shown may be started, ms. */
export const PLAN_LIVES_MS = 5 * 60_000;

/** Why a sandbox that was asked for is left alone. */
export const SKIP_KINDS = ['gone', 'protected', 'state', 'busy'] as const;
export type SkipKind = (typeof SKIP_KINDS)[number];
export type Skipped = { sandboxId: string; kind: SkipKind; reason: string; sandbox: Sandbox | null };

/** What an operation will do, for a person to read before it is started. */
export type OperationPlan = {
  token: string;
  act: SandboxAct;
  params: ActParams;
  targets: Sandbox[];
  skipped: Skipped[];
  /** What must be typed to start it: `kill 37`, or the id of a protected sandbox. `null`: a click will do. */
  mustType: string | null;
  /** How long everything can still be cancelled after the start, ms. */
  cancelWindowMs: number;
  expiresAtMs: number;
  /** Why files cannot be saved before a kill, for people; `null`: they can. */
  cannotArchive: string | null;
};

/** What starting an act that can be undone answers. */
export type Started = { operation: Operation; skipped: Skipped[] };

/** The act in `text`, or `null`: for what comes back from the database. */
export function parseAct(text: string): SandboxAct | null {
  return SANDBOX_ACTS.find((act) => act === text) ?? null;
}

/** The outcome in `text`; what this version does not know is `unknown`. */
export function parseOutcome(text: string): Outcome {
  return OUTCOMES.find((outcome) => outcome === text) ?? 'unknown';
}

/** Counts of nothing. */
export function noCounts(): Counts {
  return {
    waiting: 0,
    sending: 0,
    done: 0,
    already: 0,
    skipped: 0,
    cancelled: 0,
    denied: 0,
    failed: 0,
    unknown: 0,
  };
}

/** How many items have each outcome. */
export function countOutcomes(items: Iterable<{ outcome: Outcome }>): Counts {
  const counts = noCounts();
  for (const { outcome } of items) counts[outcome] += 1;
  return counts;
}

/** How many items there are in all, and how many of them are final. */
export function totalsOf(counts: Counts): { total: number; final: number } {
  let total = 0;
  let final = 0;
  for (const outcome of OUTCOMES) {
    total += counts[outcome];
    if (isFinal(outcome)) final += counts[outcome];
  }
  return { total, final };
}
