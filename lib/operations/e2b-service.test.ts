import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { fleetWatcher } from '../fleet/watchers';
import { sandboxApi } from '../sandbox-api/configured';
import { keyOf } from '../sandbox-key';
import { eventually, setUpDataDir, thrownBy } from '../test-support/environment';
import { fakeRow, reply, setUpFakeService } from '../test-support/fake-service';
import { ALL, someone } from '../test-support/people';
import { operateNow, planOperation, startPlanned } from './operate';
import { findEnding } from './record/ending';
import { listItems } from './record/store';
import type { Operation } from './schema';
import { operationRunner } from './work/runner';

/** Operations on a service of kind E2B, which lacks some of what Moru offers and says more about the rest. */

setUpDataDir();
process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
const service = setUpFakeService();
const session = someone('ana');

beforeAll(() => {
  process.env.E2B_API_URL = process.env.SANDKEEPER_ENGINE_URL;
  process.env.E2B_API_KEY = `e2b_${'0'.repeat(40)}`;
});
beforeEach(() => {
  service.reset();
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});
afterAll(async () => {
  await operationRunner().close();
  await fleetWatcher('e2b').close();
});

const pause = (id: string) =>
  operateNow(session, { act: 'pause', sandboxKeys: [keyOf('e2b', id)], params: {}, retryOf: null }, '');
const sent = (line: string) => service.requests.filter((request) => request.line === line);

async function finish({ id }: Operation): Promise<string[]> {
  await eventually(async () =>
    (await listItems(id)).every(({ outcome }) => outcome !== 'waiting' && outcome !== 'sending'),
  );
  return (await listItems(id)).map(({ outcome, message }) => `${outcome}: ${message}`);
}

it('names the reason of an end from its events, and asks for no history that E2B does not keep', async () => {
  const killed = {
    type: 'sandbox.lifecycle.killed',
    sandboxId: 'gone',
    timestamp: '2026-01-01T01:00:00Z',
    eventData: { kill_reason: 'timeout' },
  };
  service.answer = (request, response) => {
    if (!request.url?.startsWith('/events/sandboxes/gone')) return false;
    reply(response, 200, [killed]);
    return true;
  };
  expect(await findEnding('e2b/gone', ALL)).toMatchObject({
    how: 'Its time ran out.',
    endedAtMs: Date.UTC(2026, 0, 1, 1),
  });
  expect(sent('GET /v2/sandbox-runs')).toEqual([]);
});

it('waits until the limit of requests is reset, although no Retry-After is sent', async () => {
  service.rows = [fakeRow('limited')];
  let refusals = 0;
  service.answer = (request, response) => {
    if (request.method !== 'DELETE' || refusals > 0) return false;
    refusals += 1;
    reply(
      response,
      429,
      { code: 429, message: 'slow down' },
      { 'ratelimit-remaining': '0', 'ratelimit-reset': '2' },
    );
    return true;
  };
  const { token } = await planOperation(session, {
    act: 'kill',
    sandboxKeys: ['e2b/limited'],
    params: {},
    retryOf: null,
  });
  const operation = await startPlanned(session, { token, act: 'kill', typed: '', reason: '', filter: '' });
  expect(await finish(operation)).toEqual(['done: null']);
  const [first, second] = sent('DELETE /sandboxes/limited');
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(2_000);
});

it('says once that the service does not offer an action, and then shows it as unavailable', async () => {
  service.rows = [fakeRow('one'), fakeRow('two')];
  service.answer = (request, response) => {
    if (!request.url?.endsWith('/pause')) return false;
    reply(response, 405, { code: 405, message: 'method not allowed' });
    return true;
  };
  await fleetWatcher('e2b').ready(20_000);
  expect(fleetWatcher('e2b').snapshot().status.lacking.pause).toBeUndefined();
  const { operation } = await pause('one');
  expect(await finish(operation)).toEqual([
    'failed: The sandbox service does not offer pausing a sandbox. The service says: “method not allowed”.',
  ]);
  const lacking = 'This service cannot pause sandboxes.';
  fleetWatcher('e2b').refresh();
  await eventually(() => fleetWatcher('e2b').snapshot().status.lacking.pause === lacking);
  const requests = service.requests.length;
  expect(await thrownBy(() => pause('two'))).toMatchObject({ code: 'not_offered', message: lacking });
  expect(service.requests.slice(requests).filter(({ line }) => line.startsWith('POST'))).toEqual([]);
});

it('keeps what happens at the deadline, which only the details say, while the list is read on', async () => {
  service.rows = [fakeRow('told')];
  service.details.set('told', { lifecycle: { onTimeout: 'pause', autoResume: true } });
  fleetWatcher('e2b').refresh();
  await fleetWatcher('e2b').readSince('e2b/told', Date.now());
  fleetWatcher('e2b').recordReading(await sandboxApi('e2b').getSandbox('e2b/told'), Date.now());
  const later = await fleetWatcher('e2b').readSince('e2b/told', Date.now() + 5);
  expect(later?.lifecycle).toEqual({ onTimeout: 'pause', autoResume: true });
  // Another lifetime may have been started with another choice.
  service.rows = [fakeRow('told', { startedAt: new Date().toISOString() })];
  const resumed = await fleetWatcher('e2b').readSince('e2b/told', Date.now() + 5);
  expect(resumed?.lifecycle).toBeUndefined();
});
