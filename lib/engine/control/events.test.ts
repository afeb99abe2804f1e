import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FakeGuests, makeTempDir, startTestEngine, type TestEngine, until } from '../test-engine';

type Event = {
  id: string;
  type: string;
  timestamp: string;
  sandboxId: string;
  sandboxExecutionId: string;
  sandboxBuildId?: string;
  eventData: {
    sandbox_metadata: Record<string, string>;
    set_timeout?: string;
    kill_reason?: string;
    execution?: { started_at: string; vcpu_count: number; memory_mb: number; execution_time: number };
  };
};

async function read(engine: TestEngine, path = '') {
  const { status, json } = await engine.call('GET', `/events/sandboxes${path}`);
  return { status, events: json as Event[] };
}

const kinds = (events: readonly Event[]) => events.map(({ type }) => type.replace('sandbox.lifecycle.', ''));

test('records each step of a sandbox, with its executions and the reason of its end', async () => {
  const engine = await startTestEngine();
  const id = await engine.create({ metadata: { team: 'data' } });
  const { startedAt } = await engine.detail(id);
  await engine.call('POST', `/sandboxes/${id}/timeout`, { body: { timeout: 600 } });
  const { endAt } = await engine.detail(id);
  await engine.call('POST', `/sandboxes/${id}/snapshots`, { body: {} });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  await engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 60 } });
  // It extends nothing, so it changes nothing.
  await engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 1 } });
  await engine.call('DELETE', `/sandboxes/${id}`);

  const { status, events } = await read(engine, `/${id}?orderAsc=true`);
  expect(status).toBe(200);
  expect(kinds(events)).toEqual(['created', 'updated', 'checkpointed', 'paused', 'resumed', 'killed']);
  const [created, updated, checkpointed, paused, resumed, killed] = events;
  expect(created).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    version: 'v2',
    type: 'sandbox.lifecycle.created',
    timestamp: startedAt,
    sandboxId: id,
    sandboxExecutionId: expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    ),
    sandboxTemplateId: 'base',
    sandboxBuildId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    sandboxTeamId: '00000000-0000-0000-0000-000000000000',
    eventData: { sandbox_metadata: { team: 'data' } },
  });
  expect(new Set(events.map((event) => event.id)).size).toBe(6);
  expect(updated?.eventData.set_timeout).toBe(endAt);
  expect(paused?.eventData.execution).toEqual({
    started_at: startedAt,
    vcpu_count: 2,
    memory_mb: 512,
    execution_time: Date.parse(paused?.timestamp ?? '') - Date.parse(startedAt),
  });
  expect(killed?.eventData).toMatchObject({ kill_reason: 'request', execution: { vcpu_count: 2 } });
  const executions = [created, updated, checkpointed, paused].map((event) => event?.sandboxExecutionId);
  expect(new Set(executions).size).toBe(1);
  expect(resumed?.sandboxExecutionId).toBe(killed?.sandboxExecutionId);
  expect(resumed?.sandboxExecutionId).not.toBe(created?.sandboxExecutionId);
});

test('pages, filters and orders the events of all sandboxes', async () => {
  const engine = await startTestEngine();
  const first = await engine.create();
  const second = await engine.create();
  await engine.call('DELETE', `/sandboxes/${first}`);
  expect(kinds((await read(engine)).events)).toEqual(['killed', 'created', 'created']);
  expect((await read(engine, '?limit=1&offset=1')).events).toMatchObject([{ sandboxId: second }]);
  expect((await read(engine, '?orderAsc=true&limit=1')).events).toMatchObject([{ sandboxId: first }]);
  const types = 'types=sandbox.lifecycle.killed&types=sandbox.lifecycle.paused';
  expect(kinds((await read(engine, `?${types}`)).events)).toEqual(['killed']);
  expect((await read(engine, '/inever')).events).toEqual([]);
  for (const query of ['?limit=0', '?limit=101', '?offset=-1', '?orderAsc=yes', '?types=killed'])
    expect((await read(engine, query)).status).toBe(400);
});

test('names a timeout, also where an older snapshot remains, and a failed pause', async () => {
  const guests = new FakeGuests();
  const engine = await startTestEngine({ openGuests: guests.open });
  const expired = await engine.create({ timeout: 0 });
  const reverted = await engine.create();
  await engine.call('POST', `/sandboxes/${reverted}/pause`);
  await engine.call('POST', `/sandboxes/${reverted}/resume`, { body: { timeout: 0, autoPause: false } });
  const failed = await engine.create();
  guests.failNext('pause', 'no');
  await engine.call('POST', `/sandboxes/${failed}/pause`);
  for (const [id, reason] of [
    [expired, 'timeout'],
    [reverted, 'timeout'],
    [failed, 'orphaned'],
  ]) {
    const last = await until(
      async () => (await read(engine, `/${id}?limit=1`)).events[0],
      (event) => event?.type === 'sandbox.lifecycle.killed',
    );
    expect(last?.eventData.kill_reason).toBe(reason);
  }
  expect((await engine.detail(reverted)).state).toBe('paused');
});

test('counts the execution of a sandbox that is killed while paused up to its pause', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await engine.call('POST', `/sandboxes/${id}/pause`);
  await new Promise((resolve) => setTimeout(resolve, 30));
  await engine.call('DELETE', `/sandboxes/${id}`);
  const [killed, paused] = (await read(engine, `/${id}`)).events;
  expect(killed?.eventData.kill_reason).toBe('request');
  expect(killed?.eventData.execution).toEqual(paused?.eventData.execution);
});

test('keeps the events over a restart, and ends what the last engine lost', async () => {
  const dataDir = makeTempDir();
  const before = await startTestEngine({ dataDir });
  const kept = await before.create();
  const lost = await before.create();
  const { events } = await read(before);
  await before.close();
  rmSync(join(dataDir, 'records', `${lost}.json`));
  const after = await startTestEngine({ dataDir });
  expect((await read(after, `/${kept}`)).events).toEqual(
    events.filter(({ sandboxId }) => sandboxId === kept),
  );
  expect(kinds((await read(after, `/${lost}`)).events)).toEqual(['killed', 'created']);
  expect((await read(after, `/${lost}`)).events[0]?.eventData.kill_reason).toBe('orphaned');
  await after.close();
  // Those of an earlier version have no events yet.
  rmSync(join(dataDir, 'events.jsonl'));
  const upgraded = await startTestEngine({ dataDir });
  expect((await read(upgraded)).events).toMatchObject([{ sandboxId: kept, timestamp: events[1]?.timestamp }]);
});
