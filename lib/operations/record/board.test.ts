import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxKey } from '../../sandbox-key';
import type { OperationEvent, OperationItem, Outcome } from '../schema';
import { newOperation, waitingItem } from '../test-operations';
import { OperationBoard } from './board';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function boardWith(keys: SandboxKey[]) {
  const board = new OperationBoard(() => []);
  const operation = newOperation();
  board.put(operation, keys.map(waitingItem));
  const events: OperationEvent[] = [];
  board.listen((event) => events.push(event));
  events.length = 0;
  const note = (sandboxKey: SandboxKey, outcome: Outcome, message: string | null = null) =>
    board.noteItem(operation.id, { sandboxKey, outcome, message, tookMs: null });
  return { board, operation, events, note };
}

const keysOf = (items: OperationItem[]) => items.map(({ sandboxKey }) => sandboxKey);

describe('changes', () => {
  it('are published in batches, with the counts', () => {
    const { events, note } = boardWith(['local/a', 'local/b', 'local/c']);
    note('local/a', 'sending');
    note('local/a', 'done');
    note('local/b', 'sending');
    expect(events).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(events).toHaveLength(1);
    expect(keysOf(events[0]?.items ?? [])).toEqual(['local/a', 'local/b']);
    expect(events[0]?.operation.counts).toMatchObject({ done: 1, sending: 1, waiting: 1 });
    vi.advanceTimersByTime(10_000);
    expect(events).toHaveLength(1);
  });

  it('never reopen a final item, and are not published if nothing changed', () => {
    const { events, note } = boardWith(['local/a']);
    note('local/a', 'done');
    vi.advanceTimersByTime(100);
    note('local/a', 'sending');
    note('local/a', 'done');
    note('local/nobody', 'done');
    vi.advanceTimersByTime(10_000);
    expect(events).toHaveLength(1);
    expect(events[0]?.operation.counts).toMatchObject({ done: 1, sending: 0, waiting: 0 });
  });

  it('of the operation are published at once, with pending items', () => {
    const { board, operation, events, note } = boardWith(['local/a']);
    note('local/a', 'done');
    board.note(operation.id, { state: 'finished', finishedAtMs: 5 });
    expect(events).toHaveLength(1);
    expect(events[0]?.operation).toMatchObject({ state: 'finished', counts: { done: 1 } });
    expect(keysOf(events[0]?.items ?? [])).toEqual(['local/a']);
  });
});

it('reports busy sandboxes until the operation has finished', () => {
  const { board, operation, note } = boardWith(['local/a', 'local/b']);
  note('local/a', 'failed');
  expect(board.busyKeys()).toEqual(new Set(['local/b']));
  expect(board.isWorkedOff(operation.id)).toBe(false);
  note('local/b', 'done');
  expect(board.isWorkedOff(operation.id)).toBe(true);
  board.note(operation.id, { state: 'finished' });
  expect([board.busyKeys().size, board.running().length]).toEqual([0, 0]);
});

it('sends new listeners running operations, and finished ones without items for a while', () => {
  const { board, operation } = boardWith(['local/a', 'local/b']);
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
