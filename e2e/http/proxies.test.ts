import { gunzipSync } from 'node:zlib';
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { CommandEvent } from '../../lib/commands/schema';
import type { ConsolesEvent } from '../../lib/console/schema';
import { fileAddresses } from '../../lib/files/addresses';
import type { FolderEvent } from '../../lib/files/schema';
import { type ArchiveEvent, newArchiveToken } from '../../lib/files/transfer/archive/schema';
import type { FleetEvent } from '../../lib/fleet/delta';
import { FleetStore } from '../../lib/fleet/store';
import type { Channel } from '../../lib/live/protocol';
import { LiveSocket } from '../../lib/live/socket';
import { OperationProgress } from '../../lib/operations/record/progress';
import type { OperationEvent } from '../../lib/operations/schema';
import { PageStatus } from '../../lib/page-state';
import type { Sandkeeper } from '../support/deployment';
import { ask, cookieOf } from '../support/http';
import { FLEET_ROUTE, LOCAL, localKey } from '../support/local';
import { Colleague } from '../support/operations';
import { Relay, type Upgrades } from '../support/relay';
import { expect, test } from './fixtures';

/** The live part of a page, behind a proxy. Its requests and sockets are real. */
async function openPage(sandkeeper: Sandkeeper, session: string, upgrades: Upgrades) {
  const relay = await Relay.open(sandkeeper.url, { upgrades });
  const headers = { ...cookieOf(sandkeeper, session), host: new URL(sandkeeper.url).host };
  const read = (path: string) => ask(relay, path, { headers });
  vi.stubGlobal('window', { location: { href: `${relay.url}/sandboxes` } });
  vi.stubGlobal(
    'WebSocket',
    class extends WebSocket {
      constructor(url: string | URL) {
        super(url, { headers: { ...headers, origin: sandkeeper.url } });
        this.on('error', () => {});
      }
    },
  );
  vi.stubGlobal('navigator', { onLine: true });
  const usualFetch = fetch;
  vi.stubGlobal('fetch', async (address: string | Request, options: RequestInit) => {
    // The SDK uses it too.
    if (typeof address !== 'string' || !address.startsWith('/')) return usualFetch(address, options);
    const { text, status } = await read(address);
    return new Response(text, { status });
  });
  const timing = { silentAfter: 3_000, deadAfter: 10_000, helloWithin: 300 };
  const socket = new LiveSocket(new PageStatus(null), timing);
  const fleet = new FleetStore(async () => JSON.parse(gunzipSync((await read(FLEET_ROUTE)).body).toString()));
  const operations = new OperationProgress(async (id) =>
    JSON.parse((await read(`/api/operations/${id}`)).text),
  );
  const stops = [
    socket.subscribe(
      'fleet',
      { onEvent: (event) => fleet.receive(event as FleetEvent), onGap: () => {} },
      LOCAL,
    ),
    socket.subscribe('operations', {
      onEvent: (event) => operations.receive(event as OperationEvent),
      onGap: () => operations.missed(),
    }),
  ];
  onTestFinished(() => {
    for (const stop of stops) stop();
    socket.close();
    relay.close();
    vi.unstubAllGlobals();
  });
  return { socket, fleet, operations };
}

for (const upgrades of ['refused', 'swallowed'] as const) {
  test(`shows the fleet and the end of a kill behind a proxy with WebSockets ${upgrades}`, async ({
    sandkeeper,
    sessions,
    moru,
  }) => {
    const ids = [await moru.create(), await moru.create()];
    const { socket, fleet, operations } = await openPage(sandkeeper, sessions.viewer, upgrades);
    await expect.poll(() => socket.state()).toBe('blocked');
    await expect
      .poll(() =>
        fleet
          .view()
          .rows?.map(({ sandbox }) => sandbox.id)
          .sort(),
      )
      .toEqual(ids.sort());
    const operationId = await new Colleague(sandkeeper, sessions.admin).kill(ids);
    await expect.poll(() => operations.find(operationId)?.operation.state).toBe('finished');
    expect(operations.underWay().size).toBe(0);
    await expect.poll(() => fleet.view().rows).toEqual([]);
  });
}

test('shows the output of commands behind such a proxy, and to operators alone', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  const id = await moru.create();
  const { socket } = await openPage(sandkeeper, sessions.operator, 'refused');
  await expect.poll(() => socket.state()).toBe('blocked');
  const operator = new Colleague(sandkeeper, sessions.operator);
  const operationId = await operator.run(
    id,
    'echo first; until [ -e /tmp/go ]; do sleep 0.1; done; echo last',
  );
  const key = `${operationId} ${localKey(id)}`;
  const events: CommandEvent[] = [];
  // Opened while the socket is blocked already.
  const leave = socket.subscribe(
    'run',
    { onEvent: (event) => events.push(event as CommandEvent), onGap: () => {} },
    key,
  );
  const heads = () => events.flatMap((event) => (event.kind === 'output' ? event.stdout.head : []));
  await expect.poll(() => heads().at(-1)).toBe('first\n');
  await operator.runToEnd(id, 'touch /tmp/go');
  await expect
    .poll(() => events.find(({ kind }) => kind === 'ended'))
    .toMatchObject({
      run: { exitCode: 0, stdout: { head: 'first\nlast\n' } },
      outcome: 'done',
    });
  leave();
  // The record of an ended command comes with the first answer.
  const poll = async (role: 'viewer' | 'operator', channel: string) => {
    const path = `/api/live?topic=${encodeURIComponent(`${channel} ${key}`)}`;
    const { status, text } = await ask(sandkeeper, path, { headers: cookieOf(sandkeeper, sessions[role]) });
    const { events = [] } = JSON.parse(text) as { events?: { payload: CommandEvent }[] };
    return status === 200 ? events.map(({ payload }) => payload) : status;
  };
  expect(await poll('operator', 'run')).toEqual([expect.objectContaining({ kind: 'ended' })]);
  expect(await poll('viewer', 'run')).toEqual([expect.objectContaining({ kind: 'refused' })]);
  expect([await poll('operator', 'console'), await poll('operator', 'operations')]).toEqual([404, 404]);
});

test('follows folders, archives and the list of consoles behind such a proxy', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  const id = await moru.create();
  const { socket } = await openPage(sandkeeper, sessions.operator, 'refused');
  await expect.poll(() => socket.state()).toBe('blocked');
  const follow = <Event>(channel: Channel, key: string) => {
    const events: Event[] = [];
    let gaps = 0;
    const onEvent = (event: unknown) => events.push(event as Event);
    onTestFinished(socket.subscribe(channel, { onEvent, onGap: () => (gaps += 1) }, key));
    return { events, gaps: () => gaps };
  };
  const folder = follow<FolderEvent>('folder', `${localKey(id)} /home`);
  const consoles = follow<ConsolesEvent>('consoles', localKey(id));
  const token = newArchiveToken();
  const archive = follow<ArchiveEvent>('archive', token);

  const consoleId = await new Colleague(sandkeeper, sessions.operator).openConsole(id);
  await expect
    .poll(() => consoles.events.findLast((event) => event.kind === 'list'))
    .toMatchObject({ consoles: [{ id: consoleId }] });
  const address = fileAddresses.archive(localKey(id), ['/etc'], { format: 'zip', isUnlimited: false, token });
  const headers = cookieOf(sandkeeper, sessions.operator);
  expect((await ask(sandkeeper, address, { headers })).status).toBe(200);
  await expect.poll(() => archive.events.at(-1)).toMatchObject({ kind: 'ended', failure: null });
  // A folder sends no events: the page reads it again.
  await expect.poll(folder.gaps).toBeGreaterThan(1);
  expect(folder.events).toEqual([]);
});
