import { NotFoundError, Sandbox, type SandboxInfo } from '@moru-ai/core';
import { beforeEach, expect, test, vi } from 'vitest';
import { startTestEngine, type TestEngine, until } from './test-engine';

/** Uses the published SDK with the three variables that the engine prints. */

let engine: TestEngine;

beforeEach(async () => {
  engine = await startTestEngine({ maxRunning: 300 });
  vi.stubEnv('MORU_API_URL', engine.url);
  vi.stubEnv('MORU_SANDBOX_URL', engine.url);
  vi.stubEnv('MORU_API_KEY', engine.apiKey);
  return () => vi.unstubAllEnvs();
});

async function listAll(options?: Parameters<typeof Sandbox.list>[0]): Promise<SandboxInfo[]> {
  const paginator = Sandbox.list(options);
  const found: SandboxInfo[] = [];
  while (paginator.hasNext) found.push(...(await paginator.nextItems()));
  return found;
}

test('creates a sandbox, reads it and kills it by its handle', async () => {
  const sandbox = await Sandbox.create({ metadata: { environment: 'development' }, timeoutMs: 120_000 });
  expect(sandbox.sandboxId).toMatch(/^i[a-z0-9]{20}$/);
  expect(sandbox.getHost(3000)).toBe(`3000-${sandbox.sandboxId}.localhost:${engine.port}`);
  expect(await sandbox.isRunning()).toBe(true);
  const info = await sandbox.getInfo();
  expect(info).toMatchObject({ templateId: 'base', name: 'base', state: 'running', envdVersion: '0.6.4' });
  expect(info.metadata).toEqual({ environment: 'development' });
  expect(info.endAt.getTime() - info.startedAt.getTime()).toBe(120_000);

  await sandbox.kill();
  expect(await sandbox.isRunning()).toBe(false);
  await expect(sandbox.getInfo()).rejects.toThrow(NotFoundError);
});

test('kills by id, and returns false for a missing sandbox', async () => {
  const { sandboxId } = await Sandbox.create();
  expect(await Sandbox.kill(sandboxId)).toBe(true);
  expect(await Sandbox.kill(sandboxId)).toBe(false);
  expect(await Sandbox.kill('sbx_abc123')).toBe(false);
});

test('accepts options instead of variables in static calls', async () => {
  const { sandboxId } = await Sandbox.create();
  vi.unstubAllEnvs();
  const options = { apiKey: engine.apiKey, apiUrl: engine.url };
  expect((await Sandbox.getInfo(sandboxId, options)).sandboxId).toBe(sandboxId);
  expect(await Sandbox.kill(sandboxId, options)).toBe(true);
});

test('lists by metadata on the server, and kills each', async () => {
  for (const environment of ['development', 'production', 'development']) {
    await Sandbox.create({ metadata: { environment, 'team name': 'a&b = c/d%+' } });
  }
  const metadata = { environment: 'development', 'team name': 'a&b = c/d%+' };
  const found = await listAll({ query: { metadata } });
  expect(found).toHaveLength(2);
  for (const { sandboxId } of found) expect(await Sandbox.kill(sandboxId)).toBe(true);
  expect((await listAll()).map((info) => info.metadata.environment)).toEqual(['production']);
});

test('lists all, filters by metadata in the client, and kills each', async () => {
  for (const environment of ['development', 'staging', 'development']) {
    await Sandbox.create({ metadata: { environment } });
  }
  for (const info of await listAll()) {
    if (info.metadata.environment === 'development') await Sandbox.kill(info.sandboxId);
  }
  expect((await listAll()).map((info) => info.metadata.environment)).toEqual(['staging']);
});

test('pauses a sandbox and resumes it by connect', async () => {
  const sandbox = await Sandbox.create();
  const { sandboxId } = sandbox;
  expect(await Sandbox.betaPause(sandboxId)).toBe(true);
  expect(await Sandbox.betaPause(sandboxId)).toBe(false);
  expect(await sandbox.isRunning()).toBe(false);
  expect(await listAll({ query: { state: ['running'] } })).toEqual([]);
  expect(await listAll({ query: { state: ['paused'] } })).toMatchObject([{ sandboxId, state: 'paused' }]);
  await expect(Sandbox.setTimeout(sandboxId, 60_000)).rejects.toThrow(NotFoundError);

  const connected = await Sandbox.connect(sandboxId);
  expect(connected.sandboxId).toBe(sandboxId);
  expect(await connected.isRunning()).toBe(true);
  // The old handle works again, because the token stays the same.
  expect(await sandbox.isRunning()).toBe(true);
  expect((await Sandbox.getInfo(sandboxId)).state).toBe('running');
});

test('kills a sandbox at its timeout', async () => {
  const sandbox = await Sandbox.create({ timeoutMs: 1_000 });
  await until(
    () => sandbox.isRunning(),
    (isRunning) => !isRunning,
  );
  await expect(Sandbox.getInfo(sandbox.sandboxId)).rejects.toThrow(NotFoundError);
  await expect(Sandbox.connect(sandbox.sandboxId)).rejects.toThrow(NotFoundError);
});

test('pauses a sandbox with autoPause at its timeout', async () => {
  const { sandboxId } = await Sandbox.betaCreate({ timeoutMs: 1_000, autoPause: true });
  await until(
    () => Sandbox.getInfo(sandboxId),
    ({ state }) => state === 'paused',
  );
});

test('moves the deadline by setTimeout', async () => {
  const sandbox = await Sandbox.create({ timeoutMs: 300_000 });
  await sandbox.setTimeout(1_000);
  const { endAt } = await sandbox.getInfo();
  expect(endAt.getTime() - Date.now()).toBeLessThanOrEqual(1_000);
});

test('returns zero usage for an idle sandbox', async () => {
  const sandbox = await Sandbox.create();
  expect(await sandbox.getMetrics()).toMatchObject([
    {
      cpuCount: 2,
      cpuUsedPct: 0,
      memUsed: 0,
      memTotal: 512 * 1024 ** 2,
      diskUsed: 0,
      diskTotal: 10 * 1024 ** 3,
    },
  ]);
});

test('lists each of 250 sandboxes once over several pages', async () => {
  const ids = await createMany(250);
  const found = await listAll();
  expect(found.map(({ sandboxId }) => sandboxId).sort()).toEqual(ids.sort());
  const starts = found.map(({ startedAt }) => startedAt.getTime());
  expect(starts).toEqual([...starts].sort((a, b) => b - a));
});

test('lists every other sandbox once while one is resumed between two pages', async () => {
  const ids = await createMany(250);
  const oldest = (await listAll()).at(-1);
  const moved = oldest?.sandboxId ?? '';
  await Sandbox.betaPause(moved);

  const paginator = Sandbox.list();
  const found = (await paginator.nextItems()).map(({ sandboxId }) => sandboxId);
  // The new start moves it before the page that was read. This pass misses it.
  await Sandbox.connect(moved);
  while (paginator.hasNext) found.push(...(await paginator.nextItems()).map(({ sandboxId }) => sandboxId));
  expect(found.toSorted()).toEqual(ids.filter((id) => id !== moved).sort());
  // Its id and the first page still find it.
  expect((await Sandbox.getInfo(moved)).state).toBe('running');
  expect((await Sandbox.list().nextItems())[0]?.sandboxId).toBe(moved);
});

/** Creates sixteen at a time, so that some have equal start times. */
async function createMany(count: number): Promise<string[]> {
  const ids: string[] = [];
  let started = 0;
  const createSome = async () => {
    while (started < count) {
      started += 1;
      ids.push(await engine.create());
    }
  };
  await Promise.all(Array.from({ length: 16 }, createSome));
  return ids;
}
