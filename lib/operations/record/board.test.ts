import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxKey } from '../../sandbox-key';
import type { OperationEvent, OperationItem, Outcome } from '../schema';
import { newOperation, waitingItem } from '../test-operations';
import { OperationBoard } from './board';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function boardWith(ids: string[]) {
  const board = new OperationBoard(() => null);
  const operation = newOperation();
  board.put(operation, ids.map(waitingItem));
  const events: OperationEvent[] = [];
  board.listen((event) => events.push(event));
  events.length = 0;
  const note = (sandboxKey: SandboxKey, outcome: Outcome, message: string | null = null) =>
    board.noteItem(operation.id, { sandboxKey, outcome, message, tookMs: null });
  return { board, operation, events, note };
}

const ids = (items: OperationItem[]) => items.map(({ sandboxKey }) => sandboxKey);

describe('changes', () => {
  it('are published in batches, with the counts', () => {
    const { events, note } = boardWith(['a', 'b', 'c']);
    note('a', 'sending');
    note('a', 'done');
    note('b', 'sending');
    expect(events).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(events).toHaveLength(1);
    expect(ids(events[0]?.items ?? [])).toEqual(['a', 'b']);
    expect(events[0]?.operation.counts).toMatchObject({ done: 1, sending: 1, waiting: 1 });
    vi.advanceTimersByTime(10_000);
    expect(events).toHaveLength(1);
  });

  it('never reopen a final item, and are not published if nothing changed', () => {
    const { events, note } = boardWith(['a']);
    note('a', 'done');
    vi.advanceTimersByTime(100);
    note('a', 'sending');
    note('a', 'done');
    note('nobody', 'done');
    vi.advanceTimersByTime(10_000);
    expect(events).toHaveLength(1);
    expect(events[0]?.operation.counts).toMatchObject({ done: 1, sending: 0, waiting: 0 });
  });

  it('of the operation are published at once, with pending items', () => {
    const { board, operation, events, note } = boardWith(['a']);
    note('a', 'done');
    board.note(operation.id, { state: 'finished', finishedAtMs: 5 });
    expect(events).toHaveLength(1);
    expect(events[0]?.operation).toMatchObject({ state: 'finished', counts: { done: 1 } });
    expect(ids(events[0]?.items ?? [])).toEqual(['a']);
  });
});

it('reports busy sandboxes until the operation has finished', () => {
  const { board, operation, note } = boardWith(['a', 'b']);
  note('a', 'failed');
  expect(board.busyIds()).toEqual(new Set(['b']));
  expect(board.isWorkedOff(operation.id)).toBe(false);
  note('b', 'done');
  expect(board.isWorkedOff(operation.id)).toBe(true);
  board.note(operation.id, { state: 'finished' });
  expect([board.busyIds().size, board.running().length]).toEqual([0, 0]);
});

it('sends new listeners running operations, and finished ones without items for a while', () => {
  const { board, operation } = boardWith(['a', 'b']);
  const received = () => {
    const events: OperationEvent[] = [];
    board.listen((event) => events.push(event))();
    return events.map(({ operation: { state }, items }) => [state, items.length]);
  };
  expect(received()).toEqual([['running', 2]]);
  board.note(operation.id, { state: 'finished' });
  expect(received()).toEqual([['finished', 0]]);
  vi.advanceTimersByTime(5 * 60_000);
  expect(received()).toEqual([]);
});
