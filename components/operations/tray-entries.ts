import type { OperationView } from '@/lib/operations/record/progress';
import { type Counts, type Operation, totalsOf } from '@/lib/operations/schema';

/**
 * The phase of an operation. `window`: it can be cancelled before the first request. `stopping`: it was stopped, and
 * requests that were already sent are still open.
 */
export const PHASES = ['window', 'running', 'stopping', 'ended'] as const;
export type Phase = (typeof PHASES)[number];

/** The phase at a server time. */
export function phaseOf(operation: Operation, serverNowMs: number): Phase {
  if (operation.state === 'finished') return 'ended';
  if (operation.cancelledAtMs !== null) return 'stopping';
  return serverNowMs < operation.startsAtMs && isUntouched(operation.counts) ? 'window' : 'running';
}

function isUntouched(counts: Counts): boolean {
  return counts.waiting === totalsOf(counts).total;
}

/** Whether no item needs attention. Cancelled items do not. */
export function wentWell({ partial, skipped, denied, failed, unknown }: Counts): boolean {
  return partial + skipped + denied + failed + unknown === 0;
}

/** An action on one sandbox has a toast. The tray also shows it if it takes longer than this. */
const SHORT_MS = 1_000;
/** How long a finished operation is shown to its owner in a tab that did not see it running. */
const RECENT_MS = 60_000;
/** How long a result without failures is shown. */
const SUCCESS_MS = 10_000;

type Context = {
  userId: string;
  nowMs: number;
  serverNowMs: number;
  isDismissed: boolean;
  /** Whether this tab showed the result before it was reloaded. */
  wasShown: boolean;
  isFollowed: boolean;
};

export function isShown(view: OperationView, at: Context): boolean {
  const { operation } = view;
  const isOne = totalsOf(operation.counts).total === 1;
  if (operation.state === 'running') return !isOne || isLong(operation, at.serverNowMs);
  if (at.isDismissed || (isOne && (at.isFollowed || wentWell(operation.counts)))) return false;
  const isOwn = operation.actorId === at.userId;
  const isRecent = at.serverNowMs - (operation.finishedAtMs ?? 0) < RECENT_MS;
  if (!view.wasSeenRunning && !(isOwn && isRecent)) return false;
  // A result that was shown does not come back with a reload.
  if (!view.wasSeenRunning && at.wasShown && wentWell(operation.counts)) return false;
  return !wentWell(operation.counts) || at.nowMs - (view.endSeenAtMs ?? 0) < SUCCESS_MS;
}

function isLong({ createdAtMs, startsAtMs }: Operation, serverNowMs: number): boolean {
  return startsAtMs > createdAtMs || serverNowMs >= startsAtMs + SHORT_MS;
}

/** Whether to count an operation as running. Most actions on one sandbox finish too fast to be worth counting. */
export function isNotable({ state, counts, createdAtMs, startsAtMs }: Operation): boolean {
  return state === 'running' && (totalsOf(counts).total > 1 || startsAtMs > createdAtMs);
}
