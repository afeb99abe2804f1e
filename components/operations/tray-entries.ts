import type { OperationView } from '@/lib/operations/record/progress';
import { type Counts, type Operation, totalsOf } from '@/lib/operations/schema';

/**
 * Where an operation stands: `window` is the time in which it can still be called off, `stopping` the time until what
 * was on its way when it was stopped has come back.
 */
export const PHASES = ['window', 'running', 'stopping', 'ended'] as const;
export type Phase = (typeof PHASES)[number];

/** The phase at a moment of the server's clock. */
export function phaseOf(operation: Operation, serverNowMs: number): Phase {
  if (operation.state === 'finished') return 'ended';
  if (operation.cancelledAtMs !== null) return 'stopping';
  return serverNowMs < operation.startsAtMs && isUntouched(operation.counts) ? 'window' : 'running';
}

/** Whether nothing has been sent yet. */
function isUntouched(counts: Counts): boolean {
  return counts.waiting === totalsOf(counts).total;
}

/** Whether it did all that was asked for, or was told not to: nothing is left for anybody to look at. */
export function wentWell({ skipped, denied, failed, unknown }: Counts): boolean {
  return skipped + denied + failed + unknown === 0;
}

/** Acts on one sandbox are told by toasts; those that take longer than this are shown as well. */
const SHORT_MS = 1_000;
/** For how long after its end an operation is shown to whoever started it elsewhere, or before a reload. */
const RECENT_MS = 60_000;
/** For how long a result stays that needs nobody's attention. */
const GOOD_NEWS_FOR_MS = 10_000;

type Circumstances = {
  actor: string;
  nowMs: number;
  serverNowMs: number;
  isDismissed: boolean;
  /** Whether this tab says by a toast how it ended. */
  isFollowed: boolean;
};

/** Whether the tray shows this operation now. */
export function isShown(view: OperationView, at: Circumstances): boolean {
  const { operation } = view;
  const isOne = totalsOf(operation.counts).total === 1;
  if (operation.state === 'running') return !isOne || isLong(operation, at.serverNowMs);
  if (at.isDismissed || (isOne && (at.isFollowed || wentWell(operation.counts)))) return false;
  const isOwn = operation.actor === at.actor;
  const isRecent = at.serverNowMs - (operation.finishedAtMs ?? 0) < RECENT_MS;
  if (!view.wasSeenRunning && !(isOwn && isRecent)) return false;
  return !wentWell(operation.counts) || at.nowMs - (view.endSeenAtMs ?? 0) < GOOD_NEWS_FOR_MS;
}

function isLong({ createdAtMs, startsAtMs }: Operation, serverNowMs: number): boolean {
  return startsAtMs > createdAtMs || serverNowMs >= startsAtMs + SHORT_MS;
}

/** Whether an operation counts as under way for people: most acts on one sandbox are over before anybody looks. */
export function isNotable({ state, counts, createdAtMs, startsAtMs }: Operation): boolean {
  return state === 'running' && (totalsOf(counts).total > 1 || startsAtMs > createdAtMs);
}
