import { SANDBOX_ACTS, type SandboxAct } from '../sandbox/can';
import type { Sandbox } from '../sandbox/schema';

/** What has become of one sandbox of an operation. `waiting` and `sending` are on their way; the rest is final. */
export const OUTCOMES = ['waiting', 'sending', 'done', 'already', 'denied', 'failed', 'unknown'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const FINAL = {
  waiting: false,
  sending: false,
  done: true,
  already: true,
  denied: true,
  failed: true,
  unknown: true,
} satisfies Record<Outcome, boolean>;

/** Whether nothing more will happen to an item with this outcome. */
export function isFinal(outcome: Outcome): boolean {
  return FINAL[outcome];
}

/** What an act needs to know beyond the sandbox. Times in ms. */
export type ActParams = { timeoutMs?: number; autoPause?: boolean };

export type OperationState = 'running' | 'finished';

export type OperationItem = { sandboxId: string; outcome: Outcome; message: string | null };

export type Operation = {
  id: string;
  act: SandboxAct;
  params: ActParams;
  actor: string;
  state: OperationState;
  createdAtMs: number;
  finishedAtMs: number | null;
};

/** What the `operations` channel says: an operation and those of its items that changed. */
export type OperationEvent = { operation: Operation; items: OperationItem[] };

/** How much of the filter that was on screen goes into the record. */
export const MOST_FILTER_CHARS = 2_000;

/** What an operation will do, for a person to read before it is started. */
export type OperationPlan = {
  token: string;
  act: SandboxAct;
  targets: Sandbox[];
  skipped: { sandboxId: string; reason: string }[];
  expiresAtMs: number;
};

/** The act in `text`, or `null`: for what comes back from the database. */
export function parseAct(text: string): SandboxAct | null {
  return SANDBOX_ACTS.find((act) => act === text) ?? null;
}
