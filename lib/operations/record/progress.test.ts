import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Sandbox } from '../../sandbox/schema';
import { idOf, type SandboxKey } from '../../sandbox-key';
import { bestTimeMs } from '../../test-support/runs';
import {
  countOutcomes,
  type Operation,
  type OperationItem,
  type Outcome,
  type RecordedItem,
} from '../schema';
import { type FetchRecord, OperationProgress } from './progress';

const item = (sandboxKey: SandboxKey, outcome: Outcome): OperationItem => ({
  sandboxKey,
  outcome,
  message: null,
  tookMs: null,
});

/** Recorded items with their sandboxes. */
function recorded(items: readonly OperationItem[]): RecordedItem[] {
  return items.map((each) => ({ ...each, sandbox: sandboxOf(each.sandboxKey) }));
}

function sandboxOf(key: SandboxKey): Sandbox {
  return {
    key,
    id: idOf(key),
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

/** An operation with the counts of `all`. */
function operationOf(all: readonly OperationItem[], differences: Partial<Operation> = {}): Operation {
  return {
    id: 'o1',
    act: 'kill',
    params: {},
    actorId: 'user-ana',
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
    connections: ['local'],
    counts: countOutcomes(all),
    ...differences,
  };
}

const DONE = [item('local/a', 'done'), item('local/b', 'failed')];
const running = operationOf([item('local/a', 'sending'), item('local/b', 'waiting')]);
const finished = operationOf(DONE, { state: 'finished', finishedAtMs: 2 });
const eventOf = (operation: Operation, items: OperationItem[]) => ({
  operation,
  items,
  holds: [],
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
  it('returns the action per sandbox, in a new map for each change', () => {
    const { progress } = openProgress();
    const listener = vi.fn();
    progress.subscribe(listener);
    progress.receive(eventOf(running, [item('local/a', 'waiting'), item('local/b', 'sending')]));
    const first = progress.underWay();
    expect([...first]).toEqual([
      ['local/a', { act: 'kill', operationId: 'o1' }],
      ['local/b', { act: 'kill', operationId: 'o1' }],
    ]);
    progress.receive(eventOf(running, [item('local/a', 'done')]));
    expect(progress.underWay()).not.toBe(first);
    expect([...progress.underWay().keys()]).toEqual(['local/b']);
    const second = progress.underWay();
    progress.receive(eventOf(running, [item('local/b', 'waiting')]));
    expect(progress.underWay()).toBe(second);
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('keeps an operation when another one on the same sandbox ends', () => {
    const { progress } = openProgress();
    progress.receive(eventOf(running, [item('local/a', 'sending')]));
    progress.receive(eventOf({ ...running, id: 'o2', act: 'pause' }, [item('local/a', 'sending')]));
    progress.receive(eventOf(running, [item('local/a', 'done')]));
    progress.receive(eventOf(finished, []));
    expect(progress.underWay().get('local/a')).toEqual({ act: 'pause', operationId: 'o2' });
  });

  it('clears the sandboxes of an operation that ends with counts only', () => {
    const { progress } = openProgress();
    progress.receive(eventOf(running, [item('local/a', 'sending'), item('local/b', 'waiting')]));
    progress.receive(eventOf(finished, []));
    expect(progress.underWay().size).toBe(0);
  });

  it('handles 5,000 sandboxes quickly', async () => {
    const items = Array.from({ length: 5_000 }, (_, index) => item(`local/s${index}`, 'waiting'));
    const operation = operationOf(items);
    const tookMs = await bestTimeMs(1_500, () => {
      const { progress } = openProgress();
      progress.receive(eventOf(operation, items));
      const startedMs = performance.now();
      for (let at = 0; at < 5_000; at += 50)
        progress.receive(
          eventOf(
            operation,
            items.slice(at, at + 50).map(({ sandboxKey }) => item(sandboxKey, 'done')),
          ),
        );
      expect(progress.underWay().size).toBe(0);
      return performance.now() - startedMs;
    });
    // A hundred events copy two maps of 5,000 each.
    expect(tookMs).toBeLessThan(1_500);
  });
});

describe('views', () => {
  it('lists running and finished operations, newest first, as new objects on change', () => {
    const { progress } = openProgress();
    progress.receive(eventOf(running, [item('local/a', 'sending'), item('local/b', 'waiting')]));
    progress.receive(eventOf({ ...running, id: 'o2', createdAtMs: 5 }, [item('local/c', 'waiting')]));
    const [newer, older] = progress.views();
    expect([newer?.operation.id, older?.operation.id]).toEqual(['o2', 'o1']);
    progress.receive({
      ...eventOf(finished, [item('local/a', 'done')]),
      holds: [{ connection: 'local', untilMs: 9, isAsked: true }],
    });
    expect(progress.views()[0]).toBe(newer);
    expect(progress.views()[1]).toMatchObject({
      wasSeenRunning: true,
      holds: [{ connection: 'local', untilMs: 9, isAsked: true }],
    });
    expect(progress.views()[1]?.items.get('local/a')?.outcome).toBe('done');
    expect(older?.items.get('local/a')?.outcome).toBe('sending');
  });

  it('marks operations that this tab saw running, and drops finished ones after a while', () => {
    const { progress } = openProgress();
    progress.receive(eventOf(finished, []));
    expect(progress.views()[0]).toMatchObject({ wasSeenRunning: false, endSeenAtMs: Date.now() });
    vi.advanceTimersByTime(11 * 60_000);
    progress.receive(eventOf({ ...running, id: 'o2' }, []));
    expect(progress.views().map(({ operation }) => operation.id)).toEqual(['o2']);
  });

  it('keeps recent progress', () => {
    const { progress } = openProgress();
    const startMs = Date.now();
    for (const outcome of ['waiting', 'done'] as const) {
      progress.receive(eventOf(operationOf([item('local/a', outcome), item('local/b', 'waiting')]), []));
      vi.advanceTimersByTime(6_000);
    }
    expect(progress.find('o1')?.samples).toEqual([
      { atMs: startMs, final: 0 },
      { atMs: startMs + 6_000, final: 1 },
    ]);
    progress.receive(eventOf(finished, []));
    expect(progress.find('o1')?.samples.map(({ final }) => final)).toEqual([1, 2]);
  });
});

describe('whenFinished', () => {
  it('calls the listener once with all items', () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    progress.receive(eventOf(running, [item('local/a', 'done'), item('local/b', 'sending')]));
    progress.receive(eventOf(running, [item('local/b', 'failed')]));
    expect(ended).not.toHaveBeenCalled();
    progress.receive(eventOf(finished, []));
    progress.receive(eventOf(finished, DONE));
    expect(ended.mock.calls).toEqual([[finished, DONE]]);
    expect(fetchRecord).not.toHaveBeenCalled();
  });

  it('calls a listener that is added after the end', () => {
    const { progress } = openProgress();
    progress.receive(eventOf(finished, DONE));
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    expect(ended).toHaveBeenCalledWith(finished, DONE);
  });

  it('does not call a removed listener', () => {
    const { progress } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended)();
    progress.receive(eventOf(finished, DONE));
    expect(ended).not.toHaveBeenCalled();
  });

  it('fetches the items if the end came with counts only', async () => {
    const { progress, fetchRecord } = openProgress();
    fetchRecord.mockResolvedValue({ operation: finished, items: recorded(DONE) });
    const ended = vi.fn();
    progress.receive(eventOf(finished, []));
    progress.whenFinished('o1', ended);
    await vi.advanceTimersByTimeAsync(0);
    expect(ended.mock.calls).toEqual([[finished, recorded(DONE)]]);
    expect(progress.find('o1')?.items.size).toBe(2);
  });

  it('fetches the end of operations missing after a reconnect, with retries', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.receive(eventOf(running, [item('local/a', 'sending'), item('local/b', 'waiting')]));
    progress.whenFinished('o1', ended);
    fetchRecord.mockRejectedValue(new Error('no network'));
    progress.missed();
    // Sandboxes stay busy while the end is unknown.
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

  it('does not fetch operations that the server sends again', async () => {
    const { progress, fetchRecord } = openProgress();
    progress.receive(eventOf(running, [item('local/a', 'sending'), item('local/b', 'waiting')]));
    progress.whenFinished('o1', vi.fn());
    progress.missed();
    progress.joined();
    progress.receive(eventOf(running, [item('local/a', 'done'), item('local/b', 'waiting')]));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchRecord).not.toHaveBeenCalled();
  });

  it('fetches an operation without events, and gives up if it does not exist', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(fetchRecord).toHaveBeenCalledTimes(1);
    expect(ended).not.toHaveBeenCalled();
  });

  it('keeps fetching a running operation without events', async () => {
    const { progress, fetchRecord } = openProgress();
    const ended = vi.fn();
    progress.whenFinished('o1', ended);
    fetchRecord.mockResolvedValueOnce({
      operation: running,
      items: recorded([item('local/a', 'sending'), item('local/b', 'waiting')]),
    });
    fetchRecord.mockResolvedValueOnce({ operation: finished, items: recorded(DONE) });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(progress.underWay().size).toBe(2);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(ended.mock.calls).toEqual([[finished, recorded(DONE)]]);
  });
});

it('learns server time from events', () => {
  const { progress } = openProgress();
  progress.receive({ ...eventOf(running, []), sentAtMs: Date.now() + 60_000 });
  expect(progress.clock.at(1_000)).toBe(61_000);
});
