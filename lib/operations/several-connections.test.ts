import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { config } from '../config';
import { ConnectionFields } from '../connection';
import { splitByConnection } from '../connection-split';
import { connections } from '../connections/registry';
import { keySeal } from '../connections/secret-key';
import { addConnection, removeConnection, setDisabled } from '../connections/store';
import { closeFleetWatchers, fleetWatcher } from '../fleet/watchers';
import type { SandboxAct } from '../sandbox/can';
import { sandboxApi } from '../sandbox-api/configured';
import { connectionOf, idOf, keyOf, type SandboxKey } from '../sandbox-key';
import {
  eventually,
  type ServiceEngine,
  serveHttp,
  setUpAnotherEngine,
  setUpDataDir,
  setUpEngine,
  thrownBy,
} from '../test-support/environment';
import { fakeRow, reply } from '../test-support/fake-service';
import { someone } from '../test-support/people';
import { operateNow, planOperation, startPlanned } from './operate';
import { listItems } from './record/store';
import type { ActParams, Operation, OperationEvent, OperationPlan } from './schema';
import { operationRunner } from './work/runner';

const BY_ANA = { version: null, by: 'ana', what: 'changed it' };

/** Operations over the local engine, a second one and a third of kind E2B, and over connections that do not work. */

process.env.SANDKEEPER_CANCEL_WINDOW_SECONDS = '0';
const { path } = setUpDataDir();
const local = setUpEngine();
const staging = setUpAnotherEngine('staging', path);
const eu = setUpAnotherEngine('eu', path);
const engines: Record<string, ServiceEngine> = { local, staging, eu };
const session = someone('ana');

beforeAll(async () => {
  await connect('staging', { kind: 'moru', apiUrl: staging.url }, staging.apiKey);
  await connect('eu', { kind: 'e2b', apiUrl: eu.url }, eu.apiKey.replace(/^moru_/, 'e2b_'));
});
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
});
afterAll(async () => {
  await operationRunner().close();
  await closeFleetWatchers();
});

async function connect(name: string, fields: Record<string, unknown>, key: string): Promise<void> {
  await addConnection(keySeal(), ConnectionFields.parse({ name, ...fields }), key, 'ana');
  await connections().reload();
}

/** Adds a connection until the end of the test. */
async function connectForNow(name: string, apiUrl: string): Promise<void> {
  await connect(name, { kind: 'e2b-compatible', apiUrl }, 'e2b_0123456789abcdef');
  onTestFinished(async () => {
    await removeConnection(name, BY_ANA);
    await connections().reload();
  });
}

async function createIn(name: string, count: number): Promise<SandboxKey[]> {
  const engine = engines[name];
  if (!engine) throw new Error(`There is no engine ${name}.`);
  return Promise.all(Array.from({ length: count }, async () => keyOf(name, await engine.create())));
}

async function isThere(key: SandboxKey): Promise<boolean> {
  return (await engines[connectionOf(key)]?.detail(idOf(key)))?.status === 200;
}

const plan = (act: SandboxAct, sandboxKeys: SandboxKey[], params: ActParams = {}) =>
  planOperation(session, { act, sandboxKeys, params, retryOf: null });
const start = ({ token, mustType }: OperationPlan) =>
  startPlanned(session, { token, act: 'kill', typed: mustType ?? '', reason: '', filter: '' });

/** The events of operations from now on. */
function listen(): OperationEvent[] {
  const events: OperationEvent[] = [];
  onTestFinished(operationRunner().listen((event) => events.push(event)));
  return events;
}

const finished = (events: OperationEvent[], { id }: Operation) =>
  eventually(
    () => events.some(({ operation }) => operation.id === id && operation.state === 'finished'),
    60_000,
  );

/** How the items of a connection ended: `done`, `failed: The connection …`. */
async function endsIn(name: string, { id }: Operation): Promise<Set<string>> {
  const items = await listItems(id);
  return new Set(
    items
      .filter(({ sandboxKey }) => connectionOf(sandboxKey) === name)
      .map(({ outcome, message }) => (message === null ? outcome : `${outcome}: ${message}`)),
  );
}

/** Why the plan skips the sandboxes of each connection. */
function reasonsOf({ skipped }: OperationPlan): Record<string, string> {
  return Object.fromEntries(
    skipped.map(({ sandboxKey, kind, reason }) => [connectionOf(sandboxKey), `${kind}: ${reason}`]),
  );
}

/** A service whose list repeats its rows under new cursors, and whose sandboxes are gone once they were killed. */
async function serveEndless(ids: string[]): Promise<{ url: string; killed: string[] }> {
  const rows = ids.map((id) => fakeRow(id));
  const killed: string[] = [];
  let pages = 0;
  const url = await serveHttp(({ method, url: address = '' }, response: ServerResponse) => {
    const { pathname } = new URL(address, 'http://service');
    const id = pathname.split('/')[2] ?? '';
    if (pathname === '/v2/sandboxes') {
      pages += 1;
      reply(response, 200, rows, { 'x-next-token': `page-${pages}` });
    } else if (!ids.includes(id) || killed.includes(id)) reply(response, 404, { code: 404, message: 'gone' });
    else if (method === 'DELETE') {
      killed.push(id);
      response.writeHead(204).end();
    } else reply(response, 200, rows[ids.indexOf(id)]);
  });
  return { url, killed };
}

it('kills across three connections as one operation, each verified by its own service', async () => {
  const keys = [
    ...(await createIn('staging', 12)),
    ...(await createIn('local', 11)),
    ...(await createIn('eu', 3)),
  ];
  const kept = await Promise.all(Object.keys(engines).map(async (name) => (await createIn(name, 1))[0]));
  const planned = await plan('kill', keys);
  expect(planned.mustType).toBe('kill 26');
  expect(planned.targets.map(({ key }) => key)).toEqual(keys);
  const events = listen();
  const operation = await start(planned);
  await finished(events, operation);
  const recorded = await listItems(operation.id);
  expect(splitByConnection(recorded.map(({ sandboxKey }) => sandboxKey))).toEqual([
    { name: 'staging', count: 12 },
    { name: 'local', count: 11 },
    { name: 'eu', count: 3 },
  ]);
  expect(recorded.map(({ outcome }) => outcome)).toEqual(Array(26).fill('done'));
  expect(await Promise.all(keys.map(isThere))).toEqual(Array(26).fill(false));
  expect(await Promise.all(kept.map((key) => key && isThere(key)))).toEqual([true, true, true]);
});

it('says before a graceful kill whose processes cannot be stopped, and kills none of those', async () => {
  const { capabilities } = sandboxApi('eu');
  capabilities.learn('processes', false, 'probe', 'as the test says');
  onTestFinished(() => capabilities.learn('processes', true, 'answer', 'as the test says'));
  const [[runs], [lacks, paused]] = [await createIn('local', 1), await createIn('eu', 2)];
  await eu.call('POST', `/sandboxes/${idOf(paused as SandboxKey)}/pause`);
  const keys = [runs, lacks, paused] as SandboxKey[];
  const planned = await plan('kill', keys, { graceMs: 1_000 });
  // A paused sandbox has no process that could be asked.
  expect(planned.targets.map(({ key }) => key)).toEqual([runs, paused]);
  expect(reasonsOf(planned)).toEqual({
    eu: 'notOffered: Its processes cannot be stopped before the kill. This service cannot start processes in its sandboxes.',
  });
  expect((await plan('kill', keys)).targets).toHaveLength(3);
});

describe('a plan over connections that do not work', () => {
  it('skips their sandboxes with the reason, and acts on the others', async () => {
    const gone = await serveHttp(() => {});
    await connectForNow('down', gone.replace(/\d+$/, '9'));
    await connectForNow(
      'denied',
      await serveHttp((_, response) => reply(response, 401, { code: 401, message: 'no' })),
    );
    await connectForNow('asleep', gone);
    await setDisabled('asleep', true, BY_ANA);
    await connections().reload();
    const { url } = await serveEndless(['e1']);
    await connectForNow('endless', url);
    const many = Array.from({ length: 11 }, (_, at): SandboxKey => `endless/e${at}`);
    const works = [...(await createIn('local', 2)), ...(await createIn('eu', 1))];
    const planned = await plan('kill', [
      'down/a',
      ...works.slice(0, 1),
      'denied/a',
      'asleep/a',
      'ghost/a',
      ...many,
      ...works.slice(1),
    ]);
    expect(planned.targets.map(({ key }) => key)).toEqual(works);
    expect(planned.mustType).toBe('kill 3');
    expect(reasonsOf(planned)).toEqual({
      down: expect.stringMatching(/^unreadable: .*cannot be reached/),
      denied: expect.stringMatching(/^unreadable: .*API key/),
      asleep:
        'unreadable: The connection asleep is disabled. An admin can enable it under Settings → Connections.',
      ghost: 'unreadable: There is no connection named ghost.',
      endless: expect.stringMatching(/^unreadable: The list of the sandbox service does not end/),
    });
    expect(planned.skipped).toHaveLength(4 + many.length);
    const events = listen();
    const operation = await start(planned);
    await finished(events, operation);
    expect((await listItems(operation.id)).map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done']);
  });

  it('gives up on one that does not answer while the others are read', async () => {
    await connectForNow('hanging', await serveHttp(() => {}));
    const keys = await createIn('local', 2);
    // Its own calls take longer than the plan waits for it.
    sandboxApi('hanging');
    const { timing } = config();
    const { callMs } = timing;
    timing.callMs = 500;
    onTestFinished(() => void Object.assign(timing, { callMs }));
    const planned = await plan('kill', ['hanging/a', ...keys]);
    expect(planned.targets.map(({ key }) => key)).toEqual(keys);
    expect(reasonsOf(planned)).toEqual({
      hanging: 'unreadable: It was not read within 1 s. Try its sandboxes separately.',
    });
  });

  it('is refused if none of them can be read', async () => {
    expect(await thrownBy(() => plan('kill', ['ghost/a', 'phantom/a']))).toMatchObject({
      code: 'not_found',
      message: 'There is no connection named ghost.',
    });
  });

  it('reads a few sandboxes of an endless list one by one, although the operation has many', async () => {
    const { url, killed } = await serveEndless(['e1', 'e2']);
    await connectForNow('unending', url);
    const keys = [...(await createIn('local', 11)), 'unending/e1', 'unending/e2'] as SandboxKey[];
    const events = listen();
    const operation = await start(await plan('kill', keys));
    await finished(events, operation);
    expect([await endsIn('local', operation), await endsIn('unending', operation)]).toEqual([
      new Set(['done']),
      new Set(['done']),
    ]);
    expect(killed.sort()).toEqual(['e1', 'e2']);
  });

  it('skips sandboxes whose service does not offer the action, and is refused if none does', async () => {
    const rows = [fakeRow('one'), fakeRow('two')];
    const url = await serveHttp(({ url: address = '' }, response) => {
      const { pathname } = new URL(address, 'http://service');
      const row = rows.find(({ sandboxID }) => pathname === `/sandboxes/${sandboxID}`);
      if (pathname.endsWith('/pause')) reply(response, 405, { code: 405, message: 'no' });
      else if (pathname === '/v2/sandboxes') reply(response, 200, rows);
      else if (row) reply(response, 200, row);
      else reply(response, 404, { code: 404, message: 'gone' });
    });
    await connectForNow('plain', url);
    const pause = (sandboxKeys: SandboxKey[]) =>
      operateNow(session, { act: 'pause', sandboxKeys, params: {}, retryOf: null }, '');
    const events = listen();
    await finished(events, (await pause(['plain/one'])).operation);
    const lacking = 'This service cannot pause sandboxes.';
    const [key] = await createIn('local', 1);
    if (key === undefined) throw new Error('Nothing was created.');
    const { operation, skipped } = await pause(['plain/one', key, 'plain/two']);
    expect(skipped).toMatchObject([
      { sandboxKey: 'plain/one', kind: 'notOffered', reason: lacking },
      { sandboxKey: 'plain/two', kind: 'notOffered', reason: lacking },
    ]);
    await finished(events, operation);
    expect(await endsIn('local', operation)).toEqual(new Set(['done']));
    expect(await thrownBy(() => pause(['plain/one', 'plain/two']))).toMatchObject({
      code: 'not_offered',
      message: lacking,
    });
  });
});

describe('a connection that asks to wait', () => {
  const REFUSED = { route: 'DELETE /sandboxes/*', status: 429, retryAfterSeconds: 86_400 };

  /** Kills more sandboxes of a refusing connection than are claimed ahead, and then those of the others. */
  async function killWhileRefused(name = 'staging'): Promise<{
    operation: Operation;
    events: OperationEvent[];
    keys: SandboxKey[];
  }> {
    const keys = await createIn(name, 90);
    const others = [...(await createIn('local', 15)), ...(await createIn('eu', 15))];
    const planned = await plan('kill', [...keys, ...others]);
    await staging.fault(REFUSED);
    const events = listen();
    const operation = await start(planned);
    await eventually(async () => {
      const open = (await listItems(operation.id)).filter(({ outcome }) => outcome === 'waiting');
      return open.length > 0 && open.every(({ sandboxKey }) => connectionOf(sandboxKey) === name);
    }, 60_000);
    return { operation, events, keys };
  }

  it('holds up nothing but its own sandboxes, until a person tries it now', async () => {
    const { operation, events } = await killWhileRefused();
    expect(await endsIn('local', operation)).toEqual(new Set(['done']));
    expect(await endsIn('eu', operation)).toEqual(new Set(['done']));
    expect(await endsIn('staging', operation)).toEqual(new Set(['waiting']));
    const held = events.flatMap(({ holds }) => holds.map(({ connection }) => connection));
    expect(new Set(held)).toEqual(new Set(['staging']));
    await staging.clearFaults();
    await operationRunner().tryNow('local');
    expect(events.at(-1)?.operation.state).toBe('running');
    await operationRunner().tryNow('staging');
    await finished(events, operation);
    expect(await endsIn('staging', operation)).toEqual(new Set(['done']));
  });

  it.each([
    {
      end: 'disabled',
      name: 'sleepy',
      endIt: () => setDisabled('sleepy', true, BY_ANA),
      sentence: 'The connection sleepy is disabled. An admin can enable it under Settings → Connections.',
    },
    {
      end: 'removed',
      name: 'leaving',
      endIt: () => removeConnection('leaving', BY_ANA),
      sentence: 'The connection leaving was removed.',
    },
  ])('ends its items unsent when it is $end', async ({ name, endIt, sentence }) => {
    engines[name] = staging;
    await connect(name, { kind: 'moru', apiUrl: staging.url }, staging.apiKey);
    const { operation, events, keys } = await killWhileRefused(name);
    await endIt();
    await connections().reload();
    await finished(events, operation);
    expect(await endsIn(name, operation)).toEqual(new Set([`failed: ${sentence}`]));
    expect(await endsIn('local', operation)).toEqual(new Set(['done']));
    expect((await Promise.all(keys.map(isThere))).filter(Boolean)).toHaveLength(90);
    expect(operationRunner().busyKeys().size).toBe(0);
    expect(() => fleetWatcher(name)).toThrow();
  });
});
