import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { setUpEngine } from '../test-support/environment';
import { lookAtSandbox } from './read-sandbox';
import { fleetWatcher } from './watcher';

const engine = setUpEngine();
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}));
afterAll(() => fleetWatcher().close());

it('what is there is shown as the list names it, not woken and not moved', async () => {
  const id = await engine.create();
  await engine.call('POST', `/sandboxes/${id}/pause`);
  const before = await engine.detail(id);
  expect(await lookAtSandbox(id)).toMatchObject({
    kind: 'there',
    sandbox: { id, state: 'paused', alias: 'base' },
  });
  expect(await engine.detail(id)).toEqual(before);
});

it('news is shared with everybody who looks at the fleet', async () => {
  const id = await engine.create();
  await lookAtSandbox(id);
  expect(fleetWatcher().find(id)?.state).toBe('running');
  await engine.call('DELETE', `/sandboxes/${id}`);
  expect(await lookAtSandbox(id)).toEqual({ kind: 'gone' });
  expect(fleetWatcher().find(id)).toBeUndefined();
});

it('what cannot be an id is not even asked for', async () => {
  await engine.fault({ route: '* /sandboxes/*', status: 500 });
  for (const id of ['', '../templates', 'a b', 'x'.repeat(65)])
    expect([id, await lookAtSandbox(id)]).toEqual([id, { kind: 'nonsense' }]);
});

it('what the service cannot say is told with what was known last', async () => {
  const id = await engine.create();
  await lookAtSandbox(id);
  await engine.fault({ route: 'GET /sandboxes/*', status: 503 });
  const message = 'The sandbox service cannot be reached or has a problem.';
  expect(await lookAtSandbox(id)).toMatchObject({ kind: 'unreadable', message, last: { id } });
  expect(await lookAtSandbox('inever')).toEqual({ kind: 'unreadable', message, last: null });
});
