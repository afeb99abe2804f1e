import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../test-support/environment';
import { serveUpgrades } from '../test-support/live';
import { Hub } from './hub';
import type { Channel } from './protocol';
import { LiveSocket } from './socket';

const ANA = { sessionId: 's', actor: 'ana', isAtLeast: () => true };

/** Stubs of the browser's page and session. */
const page = { location: { href: 'http://127.0.0.1:1/', assign: vi.fn() } };
const sessionAnswers = { status: 200 };
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

beforeAll(() => {
  vi.stubGlobal('WebSocket', BrowserSocket);
  vi.stubGlobal('window', page);
  vi.stubGlobal('fetch', async () => new Response(null, { status: sessionAnswers.status }));
});
beforeEach(() => {
  page.location.assign.mockReset();
  sessionAnswers.status = 200;
});

/** A `/live` server that can be stopped and started again on the same port. */
async function openServer() {
  const state = { isSignedIn: true, subscribed: 0 };
  const sends = new Map<Channel, (payload: unknown) => void>();
  const boot = async (port = 0) => {
    const hub = new Hub({ recheckEveryMs: 20 });
    for (const channel of ['fleet', 'operations'] as const) {
      hub.provide(channel, (send) => {
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
    startAgain: () => boot(first.port),
  };
}

/** Subscribes and collects the events. */
function follow(socket: LiveSocket, channel: Channel) {
  const received: unknown[] = [];
  const stop = socket.subscribe(channel, {
    onEvent: (payload) => received.push(payload),
    onGap: () => received.push('gap'),
  });
  onTestFinished(stop);
  return { received, stop };
}

describe('LiveSocket', () => {
  it('connects on the first subscription', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const states: string[] = [socket.state()];
    socket.onStateChange(() => states.push(socket.state()));
    const { received } = follow(socket, 'fleet');
    await eventually(() => received.length === 1);
    server.publish('fleet', { seq: 1 });
    await eventually(() => received.length === 2);
    expect(received).toEqual(['hello 1', { seq: 1 }]);
    expect(states).toEqual(['connecting', 'open']);
  });

  it('sends the initial event to a second listener and unsubscribes with the last one', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const first = follow(socket, 'fleet');
    await eventually(() => first.received.length === 1);
    const second = follow(socket, 'fleet');
    await eventually(() => second.received.length === 1);
    first.stop();
    server.publish('fleet', 'still here');
    await eventually(() => second.received.includes('still here'));
    expect(first.received).not.toContain('still here');
    second.stop();
    await eventually(() => !server.isListening('fleet'));
  });

  it('reports the gap and subscribes again after the connection was lost', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const fleet = follow(socket, 'fleet');
    const operations = follow(socket, 'operations');
    await eventually(() => fleet.received.length + operations.received.length === 2);
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    expect([fleet.received.at(-1), operations.received.at(-1)]).toEqual(['gap', 'gap']);
    await server.startAgain();
    await eventually(() => socket.state() === 'open');
    await eventually(() => String(fleet.received.at(-1)).startsWith('hello'));
    await eventually(() => String(operations.received.at(-1)).startsWith('hello'));
    expect(page.location.assign).not.toHaveBeenCalled();
  });

  it('reconnects at once on retryNow', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { received } = follow(socket, 'fleet');
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
    const socket = new LiveSocket();
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
    await eventually(() => received.includes('hello 2'), 30_000);
    expect(received.indexOf('gap')).toBeGreaterThan(0);
    expect(received.indexOf('gap')).toBeLessThan(received.indexOf('hello 2'));
  });

  it('opens the sign-in page when its session ends and does not reconnect', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { received } = follow(socket, 'fleet');
    await eventually(() => received.length === 1);
    server.state.isSignedIn = false;
    await eventually(() => page.location.assign.mock.calls.length > 0);
    expect(page.location.assign.mock.calls).toEqual([['/sign-in']]);
    expect(socket.state()).toBe('open');
  });

  it('waits for the response to its own sign-out', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { received } = follow(socket, 'fleet');
    await eventually(() => received.length === 1);
    let respond = () => {};
    socket.awaitSignOut(
      new Promise<void>((resolve) => {
        respond = resolve;
      }),
    );
    server.state.isSignedIn = false;
    const [connection] = connections.slice(-1);
    await eventually(() => connection?.readyState === WebSocket.CLOSED);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(page.location.assign).not.toHaveBeenCalled();
    respond();
    await eventually(() => page.location.assign.mock.calls.length > 0);
  });

  it('does not reconnect without listeners', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { received, stop } = follow(socket, 'fleet');
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
    const later = follow(socket, 'fleet');
    await eventually(() => later.received.length === 1);
    await again.stop();
  });

  it('opens the sign-in page after a refused upgrade only if the session has ended', async () => {
    const server = await openServer();
    server.state.isSignedIn = false;
    const socket = new LiveSocket();
    follow(socket, 'fleet');
    await eventually(() => socket.state() === 'waiting');
    expect(page.location.assign).not.toHaveBeenCalled();
    sessionAnswers.status = 401;
    await eventually(() => page.location.assign.mock.calls.length > 0);
    expect(page.location.assign).toHaveBeenCalledWith('/sign-in');
  });
});
