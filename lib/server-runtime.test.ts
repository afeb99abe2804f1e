import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seal, unseal } from './access/secrets';
import { revokeSession, sessionCookieName } from './access/sessions';
import { LOCAL_NAME } from './declared-connections';
import { recordNew, waitingItem } from './operations/test-operations';
import { operationRunner } from './operations/work/runner';
import { apiOf } from './sandbox-api/configured';
import { openServerRuntime } from './server-runtime';
import { eventually, localKey, setUpEngine, simulateNewProcess } from './test-support/environment';
import { openLive, serveUpgrades } from './test-support/live';
import { signInAs, someone } from './test-support/people';
import { wakeKeeper } from './wake/wake-keeper';

/** What `server.mjs` is handed once the runtime is open. */
type ServerRuntime = {
  upgradeLive: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  describe: () => Promise<{ url: string; signInUrl: string | null; dataDir: string; upstream: string }>;
  close: () => Promise<void>;
};

const ORIGIN = 'http://localhost:3000';
const engine = setUpEngine();
let runtime: ServerRuntime;

/** Resolves with the next runtime that opens in this process. */
function nextRuntime(): Promise<ServerRuntime> {
  return new Promise((resolve, reject) => {
    Reflect.set(globalThis, Symbol.for('sandkeeper.server-runtime'), { resolve, reject });
  });
}

beforeAll(async () => {
  const opened = nextRuntime();
  await openServerRuntime();
  runtime = await opened;
});
afterAll(() => runtime.close());

/** Tries to open `/live` as a browser on a page of ours, signed in with `cookie`. */
async function open(cookie: string | null, headers: Record<string, string> = {}) {
  const { port } = await serveUpgrades((req, socket, head) => runtime.upgradeLive(req, socket, head));
  const signedIn: Record<string, string> =
    cookie === null ? {} : { cookie: `other=1; ${sessionCookieName()}=${cookie}` };
  return openLive(port, { host: 'localhost:3000', origin: ORIGIN, ...signedIn, ...headers });
}

const viewer = () => signInAs('viewer', 'li');

describe('the live socket', () => {
  it('opens with a session and sends the fleet and the operations', async () => {
    const { client } = await open(await viewer());
    // Frames are handled in order, so an event of the fleet implies the subscription to the operations.
    client?.send({ type: 'subscribe', channel: 'operations' });
    client?.send({ type: 'subscribe', channel: 'fleet', key: LOCAL_NAME });
    // A sandbox of an earlier reading would be in the snapshot that follows the hello.
    await eventually(() => client?.frames.length !== 0);
    const id = await engine.create();
    await eventually(() => JSON.stringify(client?.frames).includes(id), 8_000);
    expect(client?.frames[0]).toMatchObject({
      type: 'event',
      channel: 'fleet',
      key: LOCAL_NAME,
      payload: { kind: 'hello' },
    });
    const key = localKey(id);
    const operation = await recordNew([await apiOf(key).getSandbox(key)], { act: 'pause' });
    operationRunner().start(operation, [waitingItem(key)]);
    await eventually(() => JSON.stringify(client?.frames).includes('"outcome":"done"'));
    const { envdAccessToken } = await engine.detail(id);
    expect(JSON.stringify(client?.frames)).not.toContain(envdAccessToken);
    expect(JSON.stringify(client?.frames)).not.toContain(engine.apiKey);
  });

  it('sends the state of a wake, and counts people who may read files as viewers', async () => {
    const id = await engine.create();
    const key = localKey(id);
    await engine.call('POST', `/sandboxes/${id}/pause`);
    const operator = await signInAs('operator', 'ana');
    const pages = [await open(operator), await open(await viewer())];
    for (const { client } of pages) client?.send({ type: 'subscribe', channel: 'wake', key });
    await eventually(() => pages.every(({ client }) => client?.frames.length === 1));
    await wakeKeeper().wake(someone('ana'), key, 300_000);
    const last = (at: number) => pages[at]?.client?.frames.at(-1);
    const awake = (viewers: object[]) => ({
      type: 'event',
      channel: 'wake',
      key,
      payload: { state: { kind: 'awake', isGuarded: true, viewers } },
    });
    await eventually(() => JSON.stringify([last(0), last(1)]).match(/"awake"/g)?.length === 2);
    expect(last(0)).toMatchObject(awake([{ actor: 'ana', isYou: true }]));
    expect(last(1)).toMatchObject(awake([{ actor: 'ana', isYou: false }]));
    await wakeKeeper().endNow(someone('ana'), key);
    expect(await engine.detail(id)).toMatchObject({ state: 'paused' });
  });

  it('is refused with 401 without a session', async () => {
    expect(await open(null)).toEqual({ client: null, status: 401, text: 'Sign in first.\n' });
    const cookie = await viewer();
    const id = unseal('session', cookie) ?? '';
    for (const forged of ['', id, `${id}.x`, seal('plan', id)])
      expect([forged, (await open(forged)).status]).toEqual([forged, 401]);
    await revokeSession(id);
    expect((await open(cookie)).status).toBe(401);
  });

  it.each<Record<string, string>>([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:3001' },
    { origin: 'https://localhost:3000' },
    { host: 'evil.example:3000' },
    { host: 'evil.example:3000', origin: 'http://evil.example:3000' },
  ])('is refused with 403 to another page, even with a session: %j', async (headers) => {
    expect(await open(await viewer(), headers)).toMatchObject({ client: null, status: 403 });
  });

  it('is refused with 403 without an origin', async () => {
    const { port } = await serveUpgrades((req, socket, head) => runtime.upgradeLive(req, socket, head));
    const cookie = `${sessionCookieName()}=${await viewer()}`;
    expect((await openLive(port, { host: 'localhost:3000', cookie })).status).toBe(403);
  });
});

describe('the start message', () => {
  it('contains the URL, the sign-in link, the data directory and the service', async () => {
    expect(await runtime.describe()).toEqual({
      url: ORIGIN,
      signInUrl: expect.stringMatching(/^http:\/\/localhost:3000\/sign-in#code=[\w-]{32}$/),
      dataDir: process.env.SANDKEEPER_DATA_DIR,
      upstream: `local (${new URL(engine.url).host})`,
    });
  });

  it('contains another link at each start, and none where links are switched off', async () => {
    expect((await runtime.describe()).signInUrl).not.toBe((await runtime.describe()).signInUrl);
    simulateNewProcess({ SANDKEEPER_SIGN_IN_LINK: 'off' });
    const opened = nextRuntime();
    const { openServerRuntime: openAnother } = await import('./server-runtime');
    await openAnother();
    const another = await opened;
    expect((await another.describe()).signInUrl).toBeNull();
    await another.close();
  });

  it.each<[Record<string, string>, string]>([
    [{ HOST: '::1' }, 'http://localhost:3000'],
    [{ HOST: '2001:db8::7' }, 'http://[2001:db8::7]:3000'],
    [{ HOST: '127.0.0.2', PORT: '4000' }, 'http://127.0.0.2:4000'],
    [{ HOST: '0.0.0.0', SANDKEEPER_URL: 'https://keeper.test' }, 'https://keeper.test'],
  ])('contains a URL that works with %j', async (environment, url) => {
    simulateNewProcess(environment);
    const opened = nextRuntime();
    const { openServerRuntime: openAnother } = await import('./server-runtime');
    await openAnother();
    const another = await opened;
    expect((await another.describe()).url).toBe(url);
    await another.close();
  });
});

it('reports why the runtime cannot be opened', async () => {
  simulateNewProcess({ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
  const opened = nextRuntime();
  const { openServerRuntime: openAnother } = await import('./server-runtime');
  await openAnother();
  await expect(opened).rejects.toThrow(/ECONNREFUSED/);
});
