import { describe, expect, it } from 'vitest';
import type { OperationView } from '@/lib/operations/record/progress';
import { countOutcomes, type Operation, type Outcome } from '@/lib/operations/schema';
import { isNotable, isShown, phaseOf, wentWell } from './tray-entries';

const CREATED_MS = 1_000_000;
const STARTS_MS = CREATED_MS + 5_000;

function operationOf(outcomes: readonly Outcome[], differences: Partial<Operation> = {}): Operation {
  return {
    id: 'o1',
    act: 'kill',
    params: {},
    actorId: 'user-ana',
    actor: 'ana',
    reason: '',
    filter: '',
    state: 'running',
    createdAtMs: CREATED_MS,
    startsAtMs: STARTS_MS,
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
    connections: ['local'],
    counts: countOutcomes(outcomes.map((outcome) => ({ outcome }))),
    ...differences,
  };
}

function viewOf(operation: Operation, differences: Partial<OperationView> = {}): OperationView {
  return {
    operation,
    items: new Map(),
    split: [],
    holds: [],
    samples: [],
    wasSeenRunning: true,
    endSeenAtMs: operation.finishedAtMs,
    ...differences,
  };
}

function ended(outcomes: readonly Outcome[]): Operation {
  return operationOf(outcomes, { state: 'finished', finishedAtMs: STARTS_MS });
}

const at = (nowMs: number, differences: Partial<Parameters<typeof isShown>[1]> = {}) => ({
  userId: 'user-ana',
  nowMs,
  serverNowMs: nowMs,
  isDismissed: false,
  wasShown: false,
  isFollowed: false,
  ...differences,
});

describe('phaseOf', () => {
  it('is window until the first request may be sent, in server time', () => {
    expect(phaseOf(operationOf(['waiting', 'waiting']), STARTS_MS - 1)).toBe('window');
    expect(phaseOf(operationOf(['waiting', 'waiting']), STARTS_MS)).toBe('running');
  });

  it('is running once a request was sent, whatever the time', () => {
    expect(phaseOf(operationOf(['sending', 'waiting']), STARTS_MS - 1)).toBe('running');
  });

  it('is stopping until open requests have returned', () => {
    const stopped = operationOf(['sending', 'cancelled'], { cancelledAtMs: STARTS_MS });
    expect(phaseOf(stopped, STARTS_MS)).toBe('stopping');
    expect(phaseOf({ ...stopped, state: 'finished' }, STARTS_MS)).toBe('ended');
  });
});

describe('isShown', () => {
  it('shows running bulk operations of anyone', () => {
    expect(isShown(viewOf(operationOf(['waiting', 'done'])), at(STARTS_MS, { userId: 'user-li' }))).toBe(
      true,
    );
  });

  it('shows an action on one sandbox if it has a cancel window or takes long', () => {
    expect(isShown(viewOf(operationOf(['waiting'])), at(CREATED_MS))).toBe(true);
    const atOnce = viewOf(operationOf(['sending'], { startsAtMs: CREATED_MS }));
    expect(isShown(atOnce, at(CREATED_MS + 900))).toBe(false);
    expect(isShown(atOnce, at(CREATED_MS + 1_000))).toBe(true);
  });

  it('hides a finished action on one sandbox unless it failed and has no toast', () => {
    expect(isShown(viewOf(ended(['done'])), at(STARTS_MS))).toBe(false);
    expect(isShown(viewOf(ended(['failed'])), at(STARTS_MS, { isFollowed: true }))).toBe(false);
    expect(isShown(viewOf(ended(['failed'])), at(STARTS_MS))).toBe(true);
  });

  it('hides successes after a while and keeps failures until they are dismissed', () => {
    expect(isShown(viewOf(ended(['done', 'already'])), at(STARTS_MS + 9_000))).toBe(true);
    expect(isShown(viewOf(ended(['done', 'already'])), at(STARTS_MS + 10_000))).toBe(false);
    expect(isShown(viewOf(ended(['done', 'failed'])), at(STARTS_MS + 500_000))).toBe(true);
    expect(isShown(viewOf(ended(['done', 'failed'])), at(STARTS_MS, { isDismissed: true }))).toBe(false);
  });

  it('shows an operation that ended before this tab opened only to its owner, for a minute', () => {
    const unseen = viewOf(ended(['done', 'failed']), { wasSeenRunning: false });
    expect(isShown(unseen, at(STARTS_MS + 59_000))).toBe(true);
    expect(isShown(unseen, at(STARTS_MS + 61_000))).toBe(false);
    expect(isShown(unseen, at(STARTS_MS, { userId: 'user-li' }))).toBe(false);
  });
});

it('does not show a success again after a reload, but failures until they are dismissed', () => {
  const reloaded = { wasSeenRunning: false };
  const shown = at(STARTS_MS + 2_000, { wasShown: true });
  expect(isShown(viewOf(ended(['done', 'done']), reloaded), shown)).toBe(false);
  expect(isShown(viewOf(ended(['done', 'failed']), reloaded), shown)).toBe(true);
  expect(isShown(viewOf(ended(['done', 'done'])), shown)).toBe(true);
});

it('treats done, already and cancelled items as successes', () => {
  const well = (...outcomes: Outcome[]) => wentWell(ended(outcomes).counts);
  expect(well('done', 'already', 'cancelled')).toBe(true);
  for (const outcome of ['partial', 'skipped', 'denied', 'failed', 'unknown'] as const)
    expect(well('done', outcome)).toBe(false);
});

it('counts running operations that people may want to stop', () => {
  expect(isNotable(operationOf(['waiting', 'done']))).toBe(true);
  expect(isNotable(operationOf(['waiting']))).toBe(true);
  expect(isNotable(operationOf(['sending'], { startsAtMs: CREATED_MS }))).toBe(false);
  expect(isNotable(ended(['done', 'done']))).toBe(false);
});
