import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { localKey, setUpEngine } from '../test-support/environment';
import { readSandbox } from './read-sandbox';
import { fleetWatcher } from './watchers';

const engine = setUpEngine();
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));
afterAll(() => fleetWatcher('local').close());

it('returns the template of the list, and does not wake the sandbox or move its deadline', async () => {
  const id = await engine.create();
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const before = await engine.detail(id);
  expect(await readSandbox(localKey(id))).toMatchObject({
    kind: 'found',
    sandbox: { id, state: 'paused', alias: 'base' },
  });
  expect(await engine.detail(id)).toEqual(before);
});

it('updates the fleet', async () => {
  const id = await engine.create();
  await readSandbox(localKey(id));
  expect(fleetWatcher('local').find(localKey(id))?.state).toBe('running');
  await engine.call('DELETE', `/sandboxes/${id}`);
  expect(await readSandbox(localKey(id))).toEqual({ kind: 'gone' });
  expect(fleetWatcher('local').find(localKey(id))).toBeUndefined();
});

it('does not request an invalid id or one of an unknown connection', async () => {
  await engine.fault({ route: '* /sandboxes/*', status: 500 });
  for (const id of ['', '../templates', 'a b', 'x'.repeat(65)])
    expect([id, await readSandbox(localKey(id))]).toEqual([id, { kind: 'invalid' }]);
  for (const key of ['nowhere/s1', 'Local/s1', '/s1', 'local/local/s1'] as const)
    expect([key, await readSandbox(key)]).toEqual([key, { kind: 'invalid' }]);
});

it('returns the last known sandbox if the service fails', async () => {
  const id = await engine.create();
  await readSandbox(localKey(id));
  await engine.fault({ route: 'GET /sandboxes/*', status: 503 });
  const message = 'The sandbox service cannot be reached or has a problem.';
  expect(await readSandbox(localKey(id))).toMatchObject({ kind: 'unreadable', message, last: { id } });
  expect(await readSandbox('local/inever')).toEqual({ kind: 'unreadable', message, last: null });
});
