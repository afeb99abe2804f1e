import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEngine } from './engine';
import { type Detail, FakeGuests, makeTempDir, startTestEngine, type TestEngine, until } from './test-engine';

test('keeps sandboxes, API key and tokens across a restart', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  const running = await first.create({ metadata: { environment: 'development' }, envVars: { A: 'b' } });
  const paused = await first.create();
  await first.call('POST', `/sandboxes/${paused}/pause`);
  const killed = await first.create();
  await first.call('DELETE', `/sandboxes/${killed}`);
  const before = await first.call('GET', '/v2/sandboxes');
  const runs = await first.call('GET', '/v2/sandbox-runs');
  const { envdAccessToken } = await first.detail(running);
  await first.close();

  const second = await startTestEngine({ dataDir });
  expect(second.apiKey).toBe(first.apiKey);
  expect((await second.call('GET', '/v2/sandboxes')).json).toEqual(before.json);
  expect((await second.call('GET', '/v2/sandbox-runs')).json).toEqual(runs.json);
  expect((await second.detail(running)).envdAccessToken).toBe(envdAccessToken);
  expect((await second.call('POST', `/sandboxes/${paused}/connect`, { body: { timeout: 60 } })).status).toBe(
    201,
  );
});

test('ends sandboxes that expired while the engine was stopped before the first response', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  const killed = await first.create({ timeout: 1 });
  const paused = await first.create({ timeout: 1, autoPause: true });
  const { endAt } = await first.detail(paused);
  await first.close();
  await until(
    async () => Date.now(),
    (now) => now > Date.parse(endAt),
  );
  const second = await startTestEngine({ dataDir });
  expect((await second.detail(killed)).status).toBe(404);
  expect((await second.detail(paused)).state).toBe('paused');
});

test('completes a pause and a kill that were pending when the engine was killed', async () => {
  const dataDir = makeTempDir();
  const guests = new FakeGuests();
  const first = await startTestEngine({ dataDir, openGuests: guests.open });
  const pausing = await first.create();
  const killing = await first.create();
  const releases = [guests.hold('pause'), guests.hold('destroy')];
  const calls = [
    first.call('POST', `/sandboxes/${pausing}/pause`),
    first.call('DELETE', `/sandboxes/${killing}`),
  ];
  await until(
    async () => guests.calls,
    (calls) => calls.includes(`pause ${pausing}`) && calls.includes(`destroy ${killing}`),
  );
  // A SIGKILL now would leave these files.
  const copy = makeTempDir();
  for (const name of ['records', 'guests']) mkdirSync(join(copy, name));
  for (const file of ['seed', 'api-key', 'runs.jsonl', ...recordsOf(dataDir)]) {
    writeFileSync(join(copy, file), readFileSync(join(dataDir, file)), { mode: 0o600 });
  }
  for (const release of releases) release();
  await Promise.all(calls);

  const after = new FakeGuests();
  const second = await startTestEngine({ dataDir: copy, openGuests: after.open });
  expect((await second.detail(pausing)).state).toBe('paused');
  expect((await second.detail(killing)).status).toBe(404);
  expect(after.calls[0]).toBe('recover 1');
  const runs = await second.call('GET', '/v2/sandbox-runs');
  expect(runs.json).toContainEqual(expect.objectContaining({ sandboxID: killing, status: 'stopped' }));
});

function recordsOf(dataDir: string): string[] {
  return readdirSync(join(dataDir, 'records')).map((file) => join('records', file));
}

test('sets unreadable records aside with their files, and reports them', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  const [good, broken, foreign] = [await first.create(), await first.create(), await first.create()];
  await first.close();
  const record = (name: string) => join(dataDir, 'records', name);
  writeFileSync(record(`${broken}.json`), '{"version":1,"id":');
  mkdirSync(join(dataDir, 'guests', broken));
  writeFileSync(join(dataDir, 'guests', broken, 'precious.txt'), 'x');
  const changed = { ...JSON.parse(readFileSync(record(`${foreign}.json`), 'utf8')), endAtMs: 'soon' };
  writeFileSync(record(`${foreign}.json`), JSON.stringify(changed));
  writeFileSync(record('readme.txt'), 'hello');
  writeFileSync(record(`${good}.json.tmp`), 'half');

  const second = await startTestEngine({ dataDir });
  const listed = (await second.call('GET', '/v2/sandboxes')).json as Detail[];
  expect(listed.map(({ sandboxID }) => sandboxID)).toEqual([good]);
  const { setAside } = (await second.call('GET', '/engine/status')).json as {
    setAside: { file: string; reason: string }[];
  };
  expect(setAside).toHaveLength(3);
  expect(setAside).toContainEqual({
    file: expect.stringContaining(foreign),
    reason: expect.stringContaining('endAtMs'),
  });
  expect(second.notes.filter((note) => note.includes('set-aside/'))).toHaveLength(3);
  expect(readdirSync(join(dataDir, 'records'))).toEqual([`${good}.json`]);
  const kept = readdirSync(join(dataDir, 'set-aside')).find((file) => file.endsWith('.files')) ?? '';
  expect(readdirSync(join(dataDir, 'set-aside', kept))).toEqual(['precious.txt']);
  await second.close();

  const third = await startTestEngine({ dataDir });
  expect((await third.call('GET', '/engine/status')).json).toMatchObject({ setAside: { length: 3 } });
});

test('drops unreadable lines of the sandbox history, and reports them', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  const id = await first.create();
  await first.close();
  writeFileSync(join(dataDir, 'runs.jsonl'), 'nonsense\n{"half":', { flag: 'a' });
  const second = await startTestEngine({ dataDir });
  expect(second.notes.join()).toContain('2 unreadable lines');
  expect((await second.call('GET', '/v2/sandbox-runs')).json).toMatchObject([
    { sandboxID: id, status: 'running' },
  ]);
});

test('makes secrets and records private and the guests directory traversable', async () => {
  const dataDir = makeTempDir();
  const engine = await startTestEngine({ dataDir: join(dataDir, 'deep', 'engine') });
  const id = await engine.create();
  const mode = (path: string) => (statSync(join(engine.dataDir, path)).mode & 0o777).toString(8);
  expect(engine.apiKey).toMatch(/^moru_[0-9a-f]{40}$/);
  expect([mode('api-key'), mode('seed'), mode(`records/${id}.json`), mode('records')]).toEqual([
    '600',
    '600',
    '600',
    '700',
  ]);
  expect([mode('.'), mode('guests')]).toEqual(['711', '711']);
});

test('keeps metadata of any name, over a restart and in filters', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  const metadata = '{"__proto__":"a","constructor":"b","toString":"c"}';
  const body = `{"templateID":"base","timeout":300,"metadata":${metadata},"envVars":{"__proto__":"d"}}`;
  expect((await first.call('POST', '/sandboxes', { body })).status).toBe(201);
  await first.create();
  const find = async (engine: TestEngine, name: string) =>
    (await engine.call('GET', `/v2/sandboxes?metadata=${encodeURIComponent(name)}`)).text;
  for (const filter of ['__proto__=a', 'constructor=b', '__proto__=a&toString=c']) {
    const found = await find(first, filter);
    expect(JSON.parse(found)).toHaveLength(1);
    expect(found).toContain(`"metadata":${metadata}`);
  }
  expect(await find(first, '__proto__=b')).toBe('[]');
  expect(await find(first, 'hasOwnProperty=')).toBe('[]');
  await first.close();
  const second = await startTestEngine({ dataDir });
  expect(await find(second, '__proto__=a')).toContain(`"metadata":${metadata}`);
});

test('allows one engine per data directory, and ignores the lock of a dead process', async () => {
  const dataDir = makeTempDir();
  const first = await startTestEngine({ dataDir });
  await expect(startTestEngine({ dataDir })).rejects.toThrow(/in use by another engine \(process \d+\)/);
  await first.close();
  for (const stale of ['999999999 123 x\n', `${process.pid} 1 x\n`, 'garbage', '']) {
    writeFileSync(join(dataDir, 'engine.lock'), stale);
    await (await startTestEngine({ dataDir })).close();
  }
  expect(readdirSync(dataDir).filter((file) => file.includes('lock'))).toEqual([]);
});

test('reports a taken port, or uses the next free one', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void blocker.close());
  await new Promise((resolve) => blocker.once('listening', resolve));
  const { port } = blocker.address() as { port: number };
  const dataDir = makeTempDir();
  await expect(startTestEngine({ dataDir, port })).rejects.toThrow(`Port ${port} on 127.0.0.1 is taken.`);
  const engine = await startTestEngine({ dataDir, port, nextFreePort: true });
  expect(engine.port).toBeGreaterThan(port);
});

test('stops without waiting for a slow caller', async () => {
  const engine = await startTestEngine();
  await engine.call('POST', '/engine/faults', { body: { route: 'GET /templates', latencyMs: 60_000 } });
  const slow = engine.call('GET', '/templates').catch(() => 'cut off');
  await engine.call('GET', '/health');
  const before = performance.now();
  await engine.close();
  // Without waiting, it takes as long as the caller.
  expect(performance.now() - before).toBeLessThan(30_000);
  expect(await slow).toBe('cut off');
  await expect(engine.call('GET', '/health')).rejects.toThrow('ECONNREFUSED');
});

test('reports a data directory that it cannot create', async () => {
  const file = join(makeTempDir(), 'file');
  writeFileSync(file, '');
  const options = { host: '127.0.0.1', port: 0, maxRunning: 1, maxLengthHours: 1 };
  await expect(startEngine({ ...options, dataDir: join(file, 'x') })).rejects.toThrow(
    'Cannot create the data directory',
  );
});

test('reports its status', async () => {
  const engine = await startTestEngine({ maxRunning: 5, maxLengthHours: 2 });
  const paused = await engine.create();
  await engine.call('POST', `/sandboxes/${paused}/pause`);
  await engine.create();
  expect((await engine.call('GET', '/engine/status')).json).toEqual({
    version: '0.1.0',
    running: 1,
    paused: 1,
    maxRunning: 5,
    maxLengthHours: 2,
    setAside: [],
    dataDir: engine.dataDir,
    processes: { available: false, reason: expect.any(String) },
  });
});

test('creates a demo fleet within the limits', async () => {
  const engine = await startTestEngine({ maxRunning: 20 });
  await engine.create();
  expect((await engine.call('POST', '/engine/demo-fleet')).json).toEqual({ created: 36 });
  const listed = (await engine.call('GET', '/v2/sandboxes')).json as Detail[];
  const fleet = listed.filter(({ metadata }) => metadata.owner !== undefined);
  expect(fleet).toHaveLength(36);
  const running = fleet.filter(({ state }) => state === 'running');
  expect(running).toHaveLength(14);
  const now = Date.now();
  for (const { state, startedAt, endAt, metadata } of fleet) {
    expect(['development', 'staging', 'production']).toContain(metadata.environment);
    const [ageMs, leftMs] = [now - Date.parse(startedAt), Date.parse(endAt) - now];
    if (state === 'running') {
      expect(ageMs).toBeLessThanOrEqual(56 * 60_000);
      expect(leftMs).toBeGreaterThan(110_000);
      expect(ageMs + leftMs).toBeLessThanOrEqual(3_600_000);
    } else {
      expect(leftMs).toBeLessThan(0);
      expect(ageMs).toBeLessThan(75 * 3_600_000);
    }
  }
  expect(new Set(fleet.map(({ templateID }) => templateID)).size).toBeGreaterThan(1);

  const one = running[0]?.sandboxID ?? '';
  expect((await engine.call('POST', `/sandboxes/${one}/pause`)).status).toBe(204);
  const paused = fleet.find(({ state }) => state === 'paused')?.sandboxID ?? '';
  expect((await engine.call('POST', `/sandboxes/${paused}/connect`, { body: { timeout: 60 } })).status).toBe(
    201,
  );
  for (const { sandboxID } of fleet) {
    expect((await engine.call('DELETE', `/sandboxes/${sandboxID}`)).status).toBe(204);
  }
  expect((await engine.call('POST', '/engine/demo-fleet', { body: { count: 501 } })).status).toBe(400);
  expect((await engine.call('POST', '/engine/demo-fleet', { body: { count: 2 } })).json).toEqual({
    created: 2,
  });
});
