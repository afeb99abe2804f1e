import { expect, test } from 'vitest';
import { startTestEngine, type TestEngine } from '../test-engine';

type SandboxRun = {
  sandboxID: string;
  status: string;
  createdAt: string;
  endReason?: string;
  endedAt?: string;
};

async function read(engine: TestEngine, query = '') {
  const { status, json, headers } = await engine.call('GET', `/v2/sandbox-runs${query}`);
  return { status, runs: json as SandboxRun[], next: headers['x-next-token'] as string | undefined };
}

test('keeps one row per sandbox', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  const row = async () => (await read(engine)).runs[0];
  expect(await row()).toEqual({
    sandboxID: id,
    templateID: 'base',
    alias: 'base',
    status: 'running',
    createdAt: expect.stringMatching(/\.\d{6}Z$/),
  });
  await engine.call('POST', `/sandboxes/${id}/pause`);
  expect(await row()).toMatchObject({ status: 'paused' });
  await engine.call('POST', `/sandboxes/${id}/connect`, { body: { timeout: 60 } });
  expect(await row()).toMatchObject({ status: 'running' });
  await engine.call('DELETE', `/sandboxes/${id}`);
  expect(await row()).toMatchObject({ status: 'stopped', endReason: 'killed', endedAt: expect.any(String) });
});

test('leaves the row of a sandbox killed while paused unchanged', async () => {
  const engine = await startTestEngine();
  const id = await engine.create();
  await engine.call('POST', `/sandboxes/${id}/pause`);
  await engine.call('DELETE', `/sandboxes/${id}`);
  expect((await read(engine)).runs).toMatchObject([{ sandboxID: id, status: 'paused' }]);
});

test('pages without losing sandboxes created in the same millisecond', async () => {
  const engine = await startTestEngine({ maxRunning: 100 });
  const ids = await Promise.all(Array.from({ length: 60 }, () => engine.create()));
  const found: string[] = [];
  let next: string | undefined;
  do {
    const page = await read(
      engine,
      `?limit=7${next === undefined ? '' : `&nextToken=${encodeURIComponent(next)}`}`,
    );
    found.push(...page.runs.map(({ sandboxID }) => sandboxID));
    if (page.next !== undefined) expect(page.next).toBe(page.runs.at(-1)?.createdAt);
    next = page.next;
  } while (next !== undefined);
  expect(found.toSorted()).toEqual(ids.toSorted());
});

test('filters by status and rejects invalid parameters', async () => {
  const engine = await startTestEngine();
  const kept = await engine.create();
  const killed = await engine.create();
  await engine.call('DELETE', `/sandboxes/${killed}`);
  expect((await read(engine, '?status=stopped')).runs).toMatchObject([{ sandboxID: killed }]);
  expect((await read(engine, '?status=running,paused')).runs).toMatchObject([{ sandboxID: kept }]);
  for (const query of ['?status=gone', '?limit=0', '?limit=101', '?nextToken=x']) {
    expect((await read(engine, query)).status).toBe(400);
  }
});
