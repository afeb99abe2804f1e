import { gunzipSync } from 'node:zlib';
import { expect, it, onTestFinished, vi } from 'vitest';
import { sandboxApi } from '../sandbox-api/configured';
import { eventually, localKey, setUpEngine, simulateNewProcess } from '../test-support/environment';
import type { FleetSnapshot } from './delta';
import { packedSnapshot } from './snapshot';
import { fleetWatcher } from './watchers';

const engine = setUpEngine();

async function unpack(packed: ReturnType<typeof packedSnapshot>): Promise<FleetSnapshot> {
  return JSON.parse(gunzipSync(await packed).toString('utf8')) as FleetSnapshot;
}

it('packs the fleet once until it changes', async () => {
  const watcher = fleetWatcher('local');
  onTestFinished(() => watcher.close());
  const id = await engine.create({ metadata: { owner: 'ana' } });
  const key = localKey(id);
  await watcher.ready(5_000);
  const first = packedSnapshot('local');
  expect(packedSnapshot('local')).toBe(first);
  const whole = watcher.snapshot();
  expect(await unpack(first)).toEqual(whole);
  expect(JSON.stringify(await unpack(first))).not.toContain((await engine.detail(id)).envdAccessToken);

  watcher.recordReading({ ...(await sandboxApi('local').getSandbox(key)), state: 'paused' }, Date.now());
  expect(packedSnapshot('local')).not.toBe(first);
  expect((await unpack(packedSnapshot('local'))).sandboxes).toMatchObject([{ key, id, state: 'paused' }]);
});

it('includes a problem only while it lasts', async () => {
  simulateNewProcess({});
  onTestFinished(() => void vi.restoreAllMocks());
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const [{ packedSnapshot: pack }, { fleetWatcher: watcher }] = await Promise.all([
    import('./snapshot'),
    import('./watchers'),
  ]);
  onTestFinished(() => watcher('local').close());
  await watcher('local').ready(5_000);
  const { seq } = watcher('local').snapshot();
  const problem = async () => (await unpack(pack('local'))).status.problem;
  expect(await problem()).toBeNull();
  await engine.fault({ route: 'GET /v2/sandboxes', status: 503 });
  watcher('local').refresh();
  await eventually(async () => (await problem())?.code === 'unavailable');
  await engine.clearFaults();
  watcher('local').refresh();
  await eventually(async () => (await problem()) === null);
  expect(watcher('local').snapshot().seq).toBe(seq);
});
