import { expect, test } from 'vitest';
import type { LogEntry, LogEventType } from '../guests';
import { type Detail, FakeGuests, startTestEngine } from '../test-engine';

async function startWithFakeGuests() {
  const guests = new FakeGuests();
  const engine = await startTestEngine({ openGuests: guests.open });
  const { sink } = guests.context ?? {};
  if (sink === undefined) throw new Error('The engine has not opened the guests');
  return { guests, engine, sink };
}

const entry = (timestampMs: number, message: string, eventType: LogEventType = 'stdout'): LogEntry => ({
  timestampMs,
  eventType,
  message,
  fields: {},
});

type Logs = {
  logs: { timestamp: string; line: string }[];
  logEntries: { message: string; eventType: string }[];
};

test('pages logs forward and backward, oldest first, and filters them by stream', async () => {
  const { engine, sink } = await startWithFakeGuests();
  const id = await engine.create();
  const now = Date.now() + 1_000;
  sink.recordLog(id, { ...entry(now, 'start', 'process_start'), fields: { command: 'ls', pid: '7' } });
  for (let at = 1; at <= 150; at += 1) {
    sink.recordLog(id, entry(now + at, `line ${at}`, at % 2 === 0 ? 'stdout' : 'stderr'));
  }
  sink.recordLog(`i${'x'.repeat(20)}`, entry(now, 'unknown sandbox'));
  const read = async (query: string) => {
    const { json } = await engine.call('GET', `/sandboxes/${id}/logs${query}`);
    return (json as Logs).logEntries.map(({ message }) => message);
  };

  const first = await read('');
  expect([first.length, first[0], first.at(-1)]).toEqual([100, 'start', 'line 99']);
  expect(await read(`?cursor=${now + 148}`)).toEqual(['line 148', 'line 149', 'line 150']);
  expect(await read('?direction=backward&limit=2')).toEqual(['line 149', 'line 150']);
  expect(await read(`?direction=backward&limit=2&cursor=${now + 10}`)).toEqual(['line 8', 'line 9']);
  expect(await read('?eventType=stderr&limit=3')).toEqual(['start', 'line 1', 'line 3']);
  expect(await read('?limit=0')).toEqual([]);
  expect((await engine.call('GET', `/sandboxes/${id}/logs?limit=101`)).status).toBe(400);
  expect((await engine.call('GET', `/sandboxes/${id}/logs?direction=up`)).status).toBe(400);
  expect((await engine.call('GET', `/sandboxes/i${'x'.repeat(20)}/logs`)).json).toEqual({
    logs: [],
    logEntries: [],
  });

  const { json } = await engine.call('GET', `/sandboxes/${id}/logs?limit=1`);
  const timestamp = new Date(now).toISOString();
  expect(json).toEqual({
    logs: [{ timestamp, line: 'start' }],
    logEntries: [
      { timestamp, eventType: 'process_start', message: 'start', fields: { command: 'ls', pid: '7' } },
    ],
  });

  await engine.call('DELETE', `/sandboxes/${id}`);
  sink.recordLog(id, entry(now, 'too late'));
  expect(await read('')).toEqual([]);
});

test('bounds logs and metrics, and thins out old metrics', async () => {
  const { engine, sink } = await startWithFakeGuests();
  const id = await engine.create();
  const start = Date.now();
  for (let at = 0; at < 20_000; at += 1) sink.recordLog(id, entry(start + at, `line ${at}`));
  for (let at = 0; at < 20_000; at += 1) {
    const usage = { cpuUsedPct: at % 100, memUsedBytes: at, diskUsedBytes: 1 };
    sink.recordMetric(id, { timestampMs: start + at * 5_000, ...usage });
  }
  const newest = await engine.call('GET', `/sandboxes/${id}/logs?direction=backward&limit=1`);
  expect(newest.json).toMatchObject({ logs: [{ line: 'line 19999' }] });
  const oldest = ((await engine.call('GET', `/sandboxes/${id}/logs?limit=1`)).json as Logs).logs[0];
  expect(Number(oldest?.line.split(' ')[1])).toBeGreaterThan(14_000);
  const metrics = (await engine.call('GET', `/sandboxes/${id}/metrics`)).json as { timestampUnix: number }[];
  expect(metrics[0]?.timestampUnix).toBe(Math.floor(start / 1000));
  expect(metrics.length).toBeLessThanOrEqual(2_000);
});

test('averages metrics by the width of the range, in seconds or milliseconds', async () => {
  const { engine, sink } = await startWithFakeGuests();
  const id = await engine.create();
  const startS = Math.floor(Date.now() / 3_600_000) * 3_600;
  for (let at = 0; at < 2_000; at += 1) {
    const usage = { cpuUsedPct: at % 2 === 0 ? 0 : 50, memUsedBytes: 1_000, diskUsedBytes: 2_000 };
    sink.recordMetric(id, { timestampMs: (startS + at * 5) * 1000, ...usage });
  }
  const read = async (query: string) => {
    const { status, json } = await engine.call('GET', `/sandboxes/${id}/metrics${query}`);
    return { status, metrics: json as { timestampUnix: number; cpuUsedPct: number }[] };
  };
  const hour = await read(`?start=${startS}&end=${startS + 3_599}`);
  expect(hour.metrics).toHaveLength(720);
  expect(hour.metrics[1]).toEqual({
    timestamp: new Date((startS + 5) * 1000).toISOString(),
    timestampUnix: startS + 5,
    cpuCount: 2,
    cpuUsedPct: 50,
    memUsed: 1_000,
    memTotal: 512 * 1024 ** 2,
    diskUsed: 2_000,
    diskTotal: 10 * 1024 ** 3,
  });
  const longer = await read(`?start=${startS}&end=${startS + 7_199}`);
  expect(longer.metrics).toHaveLength(240);
  expect(longer.metrics[0]?.cpuUsedPct).toBe(25);
  const inMs = await read(`?start=${startS * 1000}&end=${(startS + 3_599) * 1000}`);
  expect(inMs.metrics).toEqual(hour.metrics);
  expect((await read(`?start=${startS + 1}&end=${startS}`)).status).toBe(400);
  expect((await read('?start=now')).status).toBe(400);

  await engine.call('POST', `/sandboxes/${id}/pause`);
  expect((await read('')).metrics.length).toBeGreaterThan(0);
});

test('has metrics of an idle sandbox from its first seconds, and none from before', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  const read = async (query = '') =>
    (await engine.call('GET', `/sandboxes/${id}/metrics${query}`)).json as { timestampUnix: number }[];
  const nowS = Math.floor(Date.now() / 1000);
  expect(await read()).toMatchObject([{ cpuUsedPct: 0, memUsed: 0, diskUsed: 0, memTotal: 512 * 1024 ** 2 }]);
  expect(await read(`?start=${nowS - 5}&end=${nowS + 5}`)).toHaveLength(1);
  expect(await read(`?start=${nowS - 600}&end=${nowS - 300}`)).toEqual([]);

  // An aged one has the points that its chart expects.
  const { created } = (await engine.call('POST', '/engine/demo-fleet', { body: { count: 8 } })).json as {
    created: number;
  };
  expect(created).toBe(8);
  const running = ((await engine.call('GET', '/v2/sandboxes?state=running')).json as Detail[]).filter(
    ({ startedAt }) => Date.now() - Date.parse(startedAt) > 60_000,
  );
  for (const { sandboxID, startedAt } of running) {
    const metrics = (await engine.call('GET', `/sandboxes/${sandboxID}/metrics`)).json as {
      timestampUnix: number;
    }[];
    const expected = Math.floor((Date.now() - Date.parse(startedAt)) / 5_000) + 1;
    expect(Math.abs(metrics.length - expected)).toBeLessThanOrEqual(1);
    expect(metrics[0]?.timestampUnix).toBe(Math.floor(Date.parse(startedAt) / 1000));
  }
});

test('returns the latest metrics of each sandbox that has any', async () => {
  const { engine, guests, sink } = await startWithFakeGuests();
  const [measured, idle, paused] = [await engine.create(), await engine.create(), await engine.create()];
  await engine.call('POST', `/sandboxes/${paused}/pause`);
  guests.currentUsage = { cpuUsedPct: 1.234, memUsedBytes: 5, diskUsedBytes: 6 };
  for (const memUsedBytes of [10, 20]) {
    sink.recordMetric(measured, { timestampMs: Date.now(), cpuUsedPct: 3, memUsedBytes, diskUsedBytes: 0 });
  }
  const unknown = `i${'x'.repeat(20)}`;
  const path = `/sandboxes/metrics?sandbox_ids=${[measured, idle, paused, unknown].join(',')}`;
  const { sandboxes } = (await engine.call('GET', path)).json as { sandboxes: Record<string, unknown> };
  expect(Object.keys(sandboxes).sort()).toEqual([measured, idle].sort());
  expect(sandboxes[measured]).toMatchObject({ memUsed: 20 });
  expect(sandboxes[idle]).toMatchObject({ memUsed: 5, cpuUsedPct: 1.23 });

  guests.currentUsage = null;
  expect((await engine.call('GET', `/sandboxes/${idle}/metrics`)).json).toEqual([]);
  expect((await engine.call('GET', '/sandboxes/metrics')).status).toBe(400);
  const tooMany = Array.from({ length: 101 }, () => unknown).join(',');
  expect((await engine.call('GET', `/sandboxes/metrics?sandbox_ids=${tooMany}`)).status).toBe(400);
});
