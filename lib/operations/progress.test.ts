import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OperationProgress } from './progress';
import type { Operation, OperationItem, Outcome } from './schema';

const running: Operation = {
  id: 'o1',
  act: 'kill',
  params: {},
  actor: 'ana',
  state: 'running',
  createdAtMs: 1,
  finishedAtMs: null,
};
const finished: Operation = { ...running, state: 'finished', finishedAtMs: 2 };
const item = (sandboxId: string, outcome: Outcome): OperationItem => ({ sandboxId, outcome, message: null });

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('OperationProgress', () => {
  it('knows what is being done to which sandbox, in a new map for each change', () => {
    const progress = new OperationProgress();
    const heard = vi.fn();
    progress.subscribe(heard);
    progress.receive({ operation: running, items: [item('a', 'waiting'), item('b', 'sending')] });
    const first = progress.underWay();
    expect([...first]).toEqual([
      ['a', { act: 'kill', operationId: 'o1' }],
      ['b', { act: 'kill', operationId: 'o1' }],
    ]);
    progress.receive({ operation: running, items: [item('a', 'done')] });
    expect(progress.underWay()).not.toBe(first);
    expect([...progress.underWay().keys()]).toEqual(['b']);
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it('does not let the end of one operation hide another', () => {
    const progress = new OperationProgress();
    progress.receive({ operation: running, items: [item('a', 'sending')] });
    progress.receive({ operation: { ...running, id: 'o2', act: 'pause' }, items: [item('a', 'sending')] });
    progress.receive({ operation: running, items: [item('a', 'done')] });
    expect(progress.underWay().get('a')).toEqual({ act: 'pause', operationId: 'o2' });
  });

  it('tells the end once, with every item, to who asked before', () => {
    const progress = new OperationProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    progress.receive({ operation: running, items: [item('a', 'done'), item('b', 'sending')] });
    progress.receive({ operation: running, items: [item('b', 'failed')] });
    expect(ended).not.toHaveBeenCalled();
    progress.receive({ operation: finished, items: [] });
    progress.receive({ operation: finished, items: [item('a', 'done'), item('b', 'failed')] });
    expect(ended.mock.calls).toEqual([[finished, [item('a', 'done'), item('b', 'failed')]]]);
  });

  it('and to who asks soon after: a fast operation is over before its action has answered', () => {
    const progress = new OperationProgress();
    progress.receive({ operation: finished, items: [item('a', 'done')] });
    const soon = vi.fn();
    progress.whenFinished('o1', soon);
    expect(soon).toHaveBeenCalledWith(finished, [item('a', 'done')]);
    vi.advanceTimersByTime(31_000);
    const late = vi.fn();
    progress.whenFinished('o1', late);
    expect(late).not.toHaveBeenCalled();
  });

  it('forgets what it cannot be sure of any more', () => {
    const progress = new OperationProgress();
    progress.receive({ operation: running, items: [item('a', 'sending')] });
    const heard = vi.fn();
    progress.subscribe(heard);
    progress.forget();
    expect([progress.underWay().size, heard.mock.calls.length]).toEqual([0, 1]);
  });
});
