import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Sandbox } from '../../sandbox/schema';
import {
  countOutcomes,
  type Operation,
  type OperationItem,
  type Outcome,
  type RecordedItem,
} from '../schema';
import { type FetchRecord, OperationProgress } from './progress';

const item = (sandboxId: string, outcome: Outcome): OperationItem => ({
  sandboxId,
  outcome,
  message: null,
  tookMs: null,
});

/** As the record has them, with their sandboxes. */
function recorded(items: readonly OperationItem[]): RecordedItem[] {
  return items.map((each) => ({ ...each, sandbox: sandboxOf(each.sandboxId) }));
}

function sandboxOf(id: string): Sandbox {
  return {
    id,
    templateId: 'base',
    alias: null,
    state: 'running',
    metadata: {},
    startedAtMs: 0,
    endAtMs: 1,
    cpuCount: 1,
    memoryMB: 1,
    diskSizeMB: 1,
    envdVersion: '1',
  };
}

/** An operation whose counts are those of `all`. */
function operationOf(all: readonly OperationItem[], differences: Partial<Operation> = {}): Operation {
  return {
    id: 'o1',
    act: 'kill',
    params: {},
    actor: 'ana',
    reason: '',
    filter: '',
    state: 'running',
    createdAtMs: 1,
    startsAtMs: 1,
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
    counts: countOutcomes(all),
    ...differences,
  };
}

const DONE = [item('a', 'done'), item('b', 'failed')];
const running = operationOf([item('a', 'sending'), item('b', 'waiting')]);
const finished = operationOf(DONE, { state: 'finished', finishedAtMs: 2 });
const told = (operation: Operation, items: OperationItem[]) => ({
  operation,
  items,
  heldUntilMs: null,
  sentAtMs: Date.now(),
});

function openProgress() {
  const fetchRecord = vi.fn<FetchRecord>(async () => null);
  return { progress: new OperationProgress(fetchRecord), fetchRecord };
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('underWay', () => {
  it('says what is being done to which sandbox, in a new map for each change', () => {
    const { progress } = openProgress();
    const heard = vi.fn();
    progress.subscribe(heard);
    progress.receive(told(running, [item('a', 'waiting'), item('b', 'sending')]));
    const first = progress.underWay();
    expect([...first]).toEqual([
      ['a', { act: 'kill', operationId: 'o1' }],
      ['b', { act: 'kill', operationId: 'o1' }],
    ]);
    progress.receive(told(running, [item('a', 'done')]));
    expect(progress.underWay()).not.toBe(first);
    expect([...progress.underWay().keys()]).toEqual(['b']);
    const second = progress.underWay();
    progress.receive(told(running, [item('b', 'waiting')]));
    expect(progress.underWay()).toBe(second);
    expect(heard).toHaveBeenCalledTimes(3);
  });

  it('does not let the end of one operation hide another', () => {
    const { progress } = openProgress();
    progress.receive(told(running, [item('a', 'sending')]));
    progress.receive(told({ ...running, id: 'o2', act: 'pause' }, [item('a', 'sending')]));
    progress.receive(told(running, [item('a', 'done')]));
    progress.receive(told(finished, []));
    expect(progress.underWay().get('a')).toEqual({ act: 'pause', operationId: 'o2' });
  });

  it('frees every sandbox of an operation whose end is told in numbers alone', () => {
    const { progress } = openProgress();
    progress.receive(told(running, [item('a', 'sending'), item('b', 'waiting')]));
    progress.receive(told(finished, []));
    expect(progress.underWay().size).toBe(0);
  });

  it('follows 5,000 sandboxes at little cost', () => {
    const { progress } = openProgress();
    const items = Array.from({ length: 5_000 }, (_, index) => item(`s${index}`, 'waiting'));
    const operation = operationOf(items);
    progress.receive(told(operation, items));
    const startedMs = performance.now();
    for (let at = 0; at < 5_000; at += 50)
      progress.receive(
        told(
          operation,
          items.slice(at, at + 50).map(({ sandboxId }) => item(sandboxId, 'done')),
        ),
      );
    expect(progress.underWay().size).toBe(0);
    // A hundred events; each copies two maps of 5,000. Far above what it takes, so that a busy machine passes too.
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  });
});

describe('views', () => {
  it('lists what is under way and what has ended, newest first, each a new object when it changes', () => {
    const { progress } = openProgress();
    progress.receive(told(running, [item('a', 'sending'), item('b', 'waiting')]));
    progress.receive(told({ ...running, id: 'o2', createdAtMs: 5 }, [item('c', 'waiting')]));
    const [newer, older] = progress.views();
    expect([newer?.operation.id, older?.operation.id]).toEqual(['o2', 'o1']);
    progress.receive({ ...told(finished, [item('a', 'done')]), heldUntilMs: 9 });
    expect(progress.views()[0]).toBe(newer);
    expect(progress.views()[1]).toMatchObject({ wasSeenRunning: true, heldUntilMs: 9 });
    expect(progress.views()[1]?.items.get('a')?.outcome).toBe('done');
    expect(older?.items.get('a')?.outcome).toBe('sending');
  });

  it('tells what ended before this tab came from what it saw under way, and drops both in time', () => {
    const { progress } = openProgress();
    progress.receive(told(finished, []));
    expect(progress.views()[0]).toMatchObject({ wasSeenRunning: false, endSeenAtMs: Date.now() });
    vi.advanceTimersByTime(11 * 60_000);
    progress.receive(told({ ...running, id: 'o2' }, []));
    expect(progress.views().map(({ operation }) => operation.id)).toEqual(['o2']);
  });

  it('keeps the latest seconds of progress', () => {
    const { progress } = openProgress();
    const startMs = Date.now();
    for (const outcome of ['waiting', 'done'] as const) {
      progress.receive(told(operationOf([item('a', outcome), item('b', 'waiting')]), []));
      vi.advanceTimersByTime(6_000);
    }
    expect(progress.find('o1')?.samples).toEqual([
      { atMs: startMs, final: 0 },
      { atMs: startMs + 6_000, final: 1 },
    ]);
    progress.receive(told(finished, []));
    expect(progress.find('o1')?.samples.map(({ final }) => final)).toEqual([1, 2]);
  });
});

describe('whenFinished', () => {
  it('tells the end once, with every item, to who asked before', () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    progress.receive(told(running, [item('a', 'done'), item('b', 'sending')]));
    progress.receive(told(running, [item('b', 'failed')]));
    expect(ended).not.toHaveBeenCalled();
    progress.receive(told(finished, []));
    progress.receive(told(finished, DONE));
    expect(ended.mock.calls).toEqual([[finished, DONE]]);
    expect(fetchRecord).not.toHaveBeenCalled();
  });

  it('and to who asks afterwards: a fast operation is over before its action has answered', () => {
    const { progress } = openProgress();
    progress.receive(told(finished, DONE));
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    expect(ended).toHaveBeenCalledWith(finished, DONE);
  });

  it('but not to who no longer wants to know', () => {
    const { progress } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended)();
    progress.receive(told(finished, DONE));
    expect(ended).not.toHaveBeenCalled();
  });

  it('asks for the items where the end was told in numbers alone', async () => {
    const { progress, fetchRecord } = openProgress();
    fetchRecord.mockResolvedValue({ operation: finished, items: recorded(DONE) });
    const ended = vi.fn();
    progress.receive(told(finished, []));
    progress.whenFinished('o1', ended);
    await vi.advanceTimersByTimeAsync(0);
    expect(ended.mock.calls).toEqual([[finished, recorded(DONE)]]);
    expect(progress.find('o1')?.items.size).toBe(2);
  });

  it('asks for the end of what is not told any more after a loss of the connection, until it can be had', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.receive(told(running, [item('a', 'sending'), item('b', 'waiting')]));
    progress.whenFinished('o1', ended);
    fetchRecord.mockRejectedValue(new Error('no network'));
    progress.missed();
    // Nothing is known to be free while nobody could tell.
    expect(progress.underWay().size).toBe(2);
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    fetchRecord.mockResolvedValue({ operation: finished, items: recorded(DONE) });
    progress.joined();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ended.mock.calls).toEqual([[finished, recorded(DONE)]]);
    expect(progress.underWay().size).toBe(0);
    fetchRecord.mockClear();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchRecord).not.toHaveBeenCalled();
  });

  it('does not ask for what is told again on joining', async () => {
    const { progress, fetchRecord } = openProgress();
    progress.receive(told(running, [item('a', 'sending'), item('b', 'waiting')]));
    progress.whenFinished('o1', vi.fn());
    progress.missed();
    progress.joined();
    progress.receive(told(running, [item('a', 'done'), item('b', 'waiting')]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchRecord).not.toHaveBeenCalled();
  });

  it('asks for what was never told, and gives up what does not exist', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchRecord).toHaveBeenCalledTimes(1);
    expect(ended).not.toHaveBeenCalled();
  });

  it('goes on asking for what is under way though it is not told', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    fetchRecord.mockResolvedValueOnce({
      operation: running,
      items: recorded([item('a', 'sending'), item('b', 'waiting')]),
    });
    fetchRecord.mockResolvedValueOnce({ operation: finished, items: recorded(DONE) });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(progress.underWay().size).toBe(2);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(ended.mock.calls).toEqual([[finished, recorded(DONE)]]);
  });
});

it("knows the server's clock by what it says", () => {
  const { progress } = openProgress();
  progress.receive({ ...told(running, []), sentAtMs: Date.now() + 60_000 });
  expect(progress.clock.at(1_000)).toBe(61_000);
});
