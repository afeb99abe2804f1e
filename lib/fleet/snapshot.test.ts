import { gunzipSync } from 'node:zlib';
import { expect, it, onTestFinished } from 'vitest';
import { getSandbox } from '../moru/control';
import { giveEngine } from '../test-support/house';
import type { FleetSnapshot } from './delta';
import { packedSnapshot } from './snapshot';
import { fleetWatcher } from './watcher';

const engine = giveEngine();

async function unpacked(): Promise<FleetSnapshot> {
  return JSON.parse(gunzipSync(await packedSnapshot()).toString('utf8')) as FleetSnapshot;
}

it('the whole fleet is packed once, until something changes', async () => {
  const watcher = fleetWatcher();
  onTestFinished(() => watcher.close());
  const id = await engine.create({ metadata: { owner: 'ana' } });
  await watcher.ready(5_000);
  const first = packedSnapshot();
  expect(packedSnapshot()).toBe(first);
  expect(await unpacked()).toEqual(watcher.snapshot());
  expect(JSON.stringify(await unpacked())).not.toContain((await engine.detail(id)).envdAccessToken);

  watcher.settle({ ...(await getSandbox(id)), state: 'paused' });
  expect(packedSnapshot()).not.toBe(first);
  expect((await unpacked()).sandboxes).toMatchObject([{ id, state: 'paused' }]);
});

it('a problem is told to who comes while it lasts', async () => {
  const watcher = fleetWatcher();
  expect((await unpacked()).status.problem).toBeNull();
  await watcher.close();
});
