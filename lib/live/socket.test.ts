import type { Duplex } from 'node:stream';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ANYWHERE, type Scope } from '../grants';
import { PageStatus } from '../page-state';
import { eventually } from '../test-support/environment';
import { serveUpgrades } from '../test-support/live';
import { Hub, type LiveSession } from './hub';
import type { Channel } from './protocol';
import { LiveSocket } from './socket';

const ANYBODY = { role: 'viewer', where: (): Scope => ANYWHERE } as const;
const ANA: LiveSession = {
  grants: { everywhere: 'admin', on: {} },
  sessionId: 's',
  userId: 'user-ana',
  actor: 'ana',
};

/** Stubs of the browser's page and session. */
const page = { location: { href: 'http://127.0.0.1:1/' } };
const network = { onLine: true };
/** The answers to requests over HTTP. `null`: the server cannot be reached. */
const answers: { session: number | null; events: unknown[] | null } = { session: 200, events: null };
/** Every connection that the socket opened. */
const connections: WebSocket[] = [];

class BrowserSocket extends WebSocket {
  constructor(url: string | URL) {
    super(url);
    connections.push(this);
    // A browser ignores unhandled socket errors; Node.js would throw them.
    this.on('error', () => {});
  }
}

/** The addresses that were polled. */
const polled: string[] = [];

beforeAll(() => {
  vi.stubGlobal('WebSocket', BrowserSocket);
  vi.stubGlobal('window', page);
  vi.stubGlobal('navigator', network);
  vi.stubGlobal('fetch', async (address: string) => {
    if (answers.session === null) throw new TypeError('Failed to fetch');
    if (!address.startsWith('/api/live?')) return new Response(null, { status: answers.session });
    // The server waits for news.
    polled.push(address);
    if (address.endsWith('wait')) await new Promise((resolve) => setTimeout(resolve, 50));
    const topics = new URL(address, 'http://page').searchParams
      .getAll('topic')
      .map((text) => text.split(/ (.*)/));
    return answers.events === null
      ? new Response(null, { status: 404 })
      : Response.json({
          events: topics.flatMap(([channel, key]) =>
            answers.events?.map((payload) => ({ channel, key, payload })),
          ),
        });
  });
});
beforeEach(() => {
  Object.assign(answers, { session: 200, events: null });
  network.onLine = true;
});

/** A socket with its page, which was loaded from the build `one`. */
function openSocket(timing?: ConstructorParameters<typeof LiveSocket>[1]) {
  const status = new PageStatus(null);
  status.loadedFrom('one');
  return { socket: new LiveSocket(status, timing), status };
}

/** A `/live` server that can be stopped and started again on the same port. */
async function openServer() {
  const state = { isSignedIn: true, subscribed: 0 };
  const sends = new Map<Channel, (payload: unknown) => void>();
  const boot = async (port = 0, build = 'one') => {
    const hub = new Hub({ recheckEveryMs: 20, build });
    for (const channel of ['connections', 'operations'] as const) {
      hub.provide(channel, ANYBODY, (send) => {
        state.subscribed += 1;
        sends.set(channel, send);
        send(`hello ${state.subscribed}`);
        return () => sends.delete(channel);
      });
    }
    const served = await serveUpgrades((req, socket, head) => {
      void hub.upgrade(req, socket, head, async () =>
        state.isSignedIn
          ? { ok: true, session: ANA, sessionStillValid: async () => state.isSignedIn }
          : { ok: false, status: 401, message: 'Sign in first.' },
      );
    }, port);
    const stop = async () => {
      hub.close();
      await served.stop();
    };
    onTestFinished(stop);
    return { port: served.port, stop };
  };
  const first = await boot();
  page.location.href = `http://127.0.0.1:${first.port}/sandboxes?q=x`;
  return {
    state,
    publish: (channel: Channel, payload: unknown) => sends.get(channel)?.(payload),
    isListening: (channel: Channel) => sends.has(channel),
    stop: first.stop,
    startAgain: (build?: string) => boot(first.port, build),
  };
}

/** Subscribes and collects the events. */
function follow(socket: LiveSocket, channel: Channel, key?: string) {
  const received: unknown[] = [];
  const stop = socket.subscribe(
    channel,
    {
      onEvent: (payload) => received.push(payload),
      onGap: () => received.push('gap'),
    },
    key,
  );
  onTestFinished(stop);
  return { received, stop };
}

describe('LiveSocket', () => {
  it('connects on the first subscription', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const states: string[] = [socket.state()];
    socket.onStateChange(() => states.push(socket.state()));
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    server.publish('connections', { seq: 1 });
    await eventually(() => received.length === 2);
    expect(received).toEqual(['hello 1', { seq: 1 }]);
    expect(states).toEqual(['connecting', 'open']);
  });

  it('sends the initial event to a second listener and unsubscribes with the last one', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const first = follow(socket, 'connections');
    await eventually(() => first.received.length === 1);
    const second = follow(socket, 'connections');
    await eventually(() => second.received.length === 1);
    first.stop();
    server.publish('connections', 'still here');
    await eventually(() => second.received.includes('still here'));
    expect(first.received).not.toContain('still here');
    second.stop();
    await eventually(() => !server.isListening('connections'));
  });

  it('reports the gap and subscribes again after the connection was lost', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const listed = follow(socket, 'connections');
    const operations = follow(socket, 'operations');
    await eventually(() => listed.received.length + operations.received.length === 2);
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    expect([listed.received.at(-1), operations.received.at(-1)]).toEqual(['gap', 'gap']);
    await server.startAgain();
    await eventually(() => socket.state() === 'open');
    await eventually(() => String(listed.received.at(-1)).startsWith('hello'));
    await eventually(() => String(operations.received.at(-1)).startsWith('hello'));
  });

  it('reconnects at once on retryNow', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    // With this delay, only `retryNow` can have reconnected it.
    vi.spyOn(Math, 'random').mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    await server.startAgain();
    socket.retryNow();
    await eventually(() => socket.state() === 'open');
  });

  it('subscribes again to a topic that lost events', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const { received } = follow(socket, 'operations');
    await eventually(() => received.length === 1);
    const connection = connections.at(-1);
    connection?.pause();
    for (let sent = 0; sent < 40; sent += 1) {
      server.publish(
        'operations',
        Array.from({ length: 50_000 }, () => Math.random()),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    connection?.resume();
    await eventually(() => received.includes('hello 2'));
    expect(received.indexOf('gap')).toBeGreaterThan(0);
    expect(received.indexOf('gap')).toBeLessThan(received.indexOf('hello 2'));
  });

  it('stops when its session ends and reconnects after the person has signed in again', async () => {
    const server = await openServer();
    const { socket, status } = openSocket();
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    answers.session = 401;
    server.state.isSignedIn = false;
    await eventually(() => status.state().session === 'ended');
    expect(received.at(-1)).toBe('gap');
    expect(socket.sendMessage({ channel: 'connections' }, 'typed')).toBe(false);
    const { length } = connections;
    // Longer than the first retry delay.
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(connections).toHaveLength(length);
    server.state.isSignedIn = true;
    status.sessionIsValid();
    await eventually(() => received.at(-1) === 'hello 2');
    expect(socket.state()).toBe('open');
  });

  it('reconnects when only the role of its session has changed', async () => {
    const server = await openServer();
    const { socket, status } = openSocket();
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    const refresh = vi.fn(() => {
      server.state.isSignedIn = true;
    });
    status.onRestored(refresh);
    server.state.isSignedIn = false;
    await eventually(() => received.at(-1) === 'hello 2');
    expect(refresh).toHaveBeenCalled();
    expect(status.state().session).toBe('valid');
  });

  it('notices that the server was updated', async () => {
    const server = await openServer();
    const { socket, status } = openSocket();
    follow(socket, 'connections');
    await eventually(() => socket.state() === 'open');
    expect(status.state().isOutdated).toBe(false);
    await server.stop();
    await server.startAgain('two');
    await eventually(() => status.state().isOutdated);
  });

  it('reports silence and recovers without a new connection', async () => {
    const server = await openServer();
    const { socket } = openSocket({ silentAfter: 1_500, deadAfter: 20_000, helloWithin: 5_000 });
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    const { length } = connections;
    connections.at(-1)?.pause();
    await eventually(() => socket.state() === 'waiting', 4_000);
    connections.at(-1)?.resume();
    await eventually(() => socket.state() === 'open', 4_000);
    server.publish('connections', 'again');
    await eventually(() => received.includes('again'));
    expect(connections).toHaveLength(length);
  });

  it('replaces a connection that stays silent', async () => {
    await openServer();
    const { socket } = openSocket({ silentAfter: 100, deadAfter: 200, helloWithin: 5_000 });
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    connections.at(-1)?.pause();
    await eventually(() => received.at(-1) === 'hello 2');
    expect(received).toContain('gap');
  });

  it('is offline at once when the network is gone, and reconnects at once when it is back', async () => {
    await openServer();
    const { socket } = openSocket();
    const { received } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    network.onLine = false;
    // A server on the same computer still answers.
    await socket.networkIsGone();
    expect(socket.state()).toBe('open');
    answers.session = null;
    // With this delay, only `networkIsBack` can have reconnected it.
    vi.spyOn(Math, 'random').mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await socket.networkIsGone();
    expect(socket.state()).toBe('offline');
    expect(received.at(-1)).toBe('gap');
    network.onLine = true;
    socket.networkIsBack();
    await eventually(() => received.at(-1) === 'hello 2');
    expect(socket.state()).toBe('open');
  });

  it('stays closed while it asks for the reason of a failure', async () => {
    page.location.href = 'http://127.0.0.1:1/';
    let answer = () => {};
    const asked = new Promise<void>((noteAsked) => {
      vi.spyOn(globalThis, 'fetch').mockImplementationOnce(() => {
        noteAsked();
        return new Promise((resolve) => {
          answer = () => resolve(new Response());
        });
      });
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const { socket } = openSocket();
    follow(socket, 'connections');
    await asked;
    socket.close();
    network.onLine = false;
    answer();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(socket.state()).toBe('waiting');
  });

  it('does not reconnect without listeners', async () => {
    const server = await openServer();
    const { socket } = openSocket();
    const { received, stop } = follow(socket, 'connections');
    await eventually(() => received.length === 1);
    stop();
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    const again = await server.startAgain();
    const { length } = connections;
    // Longer than the first retry delay.
    await new Promise((resolve) => setTimeout(resolve, 800));
    socket.retryNow();
    expect(connections).toHaveLength(length);
    const later = follow(socket, 'connections');
    await eventually(() => later.received.length === 1);
    await again.stop();
  });

  it('reports the end of the session after a refused upgrade', async () => {
    const server = await openServer();
    server.state.isSignedIn = false;
    answers.session = null;
    const { socket, status } = openSocket();
    follow(socket, 'connections');
    await eventually(() => socket.state() === 'waiting');
    expect(status.state().session).toBe('valid');
    answers.session = 401;
    await eventually(() => status.state().session === 'ended');
  });
});

describe('a proxy', () => {
  const PROXIES = {
    'refuses sockets': (socket: Duplex) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'),
    'swallows frames': (_socket: Duplex, accept: () => void) => accept(),
  };

  it.each(Object.entries(PROXIES))('that %s makes the socket poll', async (_name, proxy) => {
    const accepting = new WebSocketServer({ noServer: true });
    const { port } = await serveUpgrades((req, socket, head) =>
      proxy(socket, () => accepting.handleUpgrade(req, socket, head, () => {})),
    );
    page.location.href = `http://127.0.0.1:${port}/sandboxes`;
    answers.events = ['polled'];
    const { socket } = openSocket({ silentAfter: 3_000, deadAfter: 10_000, helloWithin: 200 });
    const states: string[] = [];
    socket.onStateChange(() => states.push(socket.state()));
    const listed = follow(socket, 'connections');
    await eventually(() => listed.received.filter((event) => event === 'polled').length > 1);
    expect(states).toEqual(['waiting', 'blocked']);
    expect(socket.sendMessage({ channel: 'connections' }, 'typed')).toBe(false);
    // Opened later, and left again. A console cannot be polled, and a folder is read again.
    const run = follow(socket, 'run', 'o1 i1');
    const shell = follow(socket, 'console', 'c1');
    const folder = follow(socket, 'folder', 'i1 /home');
    await eventually(() => run.received.filter((event) => event === 'polled').length > 1);
    await eventually(() => folder.received.filter((event) => event === 'gap').length > 8);
    expect(new Set([...shell.received, ...folder.received])).toEqual(new Set(['gap']));
    // One request serves all topics.
    expect(polled).toContain('/api/live?topic=connections&topic=run%20o1%20i1&wait');
    run.stop();
    polled.length = 0;
    await eventually(() => polled.length > 4);
    expect(new Set(polled.slice(1))).toEqual(new Set(['/api/live?topic=connections&wait']));
    // Polling ends when a socket works again.
    const server = await openServer();
    socket.retryNow();
    await eventually(() => socket.state() === 'open');
    await eventually(() => listed.received.at(-1) === 'hello 1');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(listed.received.at(-1)).toBe('hello 1');
    await server.stop();
  });
});
