import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../test-support/environment';
import { serveUpgrades } from '../test-support/live';
import { Hub } from './hub';
import type { Channel } from './protocol';
import { LiveSocket } from './socket';

const ANA = { sessionId: 's', actor: 'ana', isAtLeast: () => true };

/** The browser around the socket: where it is, and whether it is still signed in. */
const page = { location: { href: 'http://127.0.0.1:1/', assign: vi.fn() } };
const sessionAnswers = { status: 200 };
/** Every connection that was opened, to hold it up. */
const connections: WebSocket[] = [];

class BrowserSocket extends WebSocket {
  constructor(url: string | URL) {
    super(url);
    connections.push(this);
    // Unheard errors are nothing to a browser.
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

/** A server of `/live` that can be stopped and started again at its port. */
async function openServer() {
  const state = { isSignedIn: true, joined: 0 };
  const sends = new Map<Channel, (payload: unknown) => void>();
  const boot = async (port = 0) => {
    const hub = new Hub({ recheckEveryMs: 20 });
    for (const channel of ['fleet', 'operations'] as const) {
      hub.provide(channel, (send) => {
        state.joined += 1;
        sends.set(channel, send);
        send(`hello ${state.joined}`);
        return () => sends.delete(channel);
      });
    }
    const served = await serveUpgrades((req, socket, head) => {
      void hub.upgrade(req, socket, head, async () =>
        state.isSignedIn
          ? { ok: true, listener: ANA, sessionStillValid: async () => state.isSignedIn }
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
    tell: (channel: Channel, payload: unknown) => sends.get(channel)?.(payload),
    isListening: (channel: Channel) => sends.has(channel),
    stop: first.stop,
    startAgain: () => boot(first.port),
  };
}

/** Subscribes and keeps what is heard. */
function follow(socket: LiveSocket, channel: Channel) {
  const heard: unknown[] = [];
  const stop = socket.subscribe(channel, {
    onEvent: (payload) => heard.push(payload),
    onGap: () => heard.push('gap'),
  });
  onTestFinished(stop);
  return { heard, stop };
}

describe('LiveSocket', () => {
  it('connects when somebody listens, and says so', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const states: string[] = [socket.state()];
    socket.onStateChange(() => states.push(socket.state()));
    const { heard } = follow(socket, 'fleet');
    await eventually(() => heard.length === 1);
    server.tell('fleet', { seq: 1 });
    await eventually(() => heard.length === 2);
    expect(heard).toEqual(['hello 1', { seq: 1 }]);
    expect(states).toEqual(['connecting', 'open']);
  });

  it('gives a second listener the opening words, and leaves with the last one', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const first = follow(socket, 'fleet');
    await eventually(() => first.heard.length === 1);
    const second = follow(socket, 'fleet');
    await eventually(() => second.heard.length === 1);
    first.stop();
    server.tell('fleet', 'still here');
    await eventually(() => second.heard.includes('still here'));
    expect(first.heard).not.toContain('still here');
    second.stop();
    await eventually(() => !server.isListening('fleet'));
  });

  it('joins its channels again after the connection was lost, having told of the gap', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const fleet = follow(socket, 'fleet');
    const operations = follow(socket, 'operations');
    await eventually(() => fleet.heard.length + operations.heard.length === 2);
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    expect([fleet.heard.at(-1), operations.heard.at(-1)]).toEqual(['gap', 'gap']);
    await server.startAgain();
    await eventually(() => socket.state() === 'open');
    await eventually(() => String(fleet.heard.at(-1)).startsWith('hello'));
    await eventually(() => String(operations.heard.at(-1)).startsWith('hello'));
    expect(page.location.assign).not.toHaveBeenCalled();
  });

  it('does not wait when somebody says that now is the time', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { heard } = follow(socket, 'fleet');
    await eventually(() => heard.length === 1);
    // The jitter at its longest leaves no doubt who reconnected.
    vi.spyOn(Math, 'random').mockReturnValue(1_000);
    onTestFinished(() => void vi.restoreAllMocks());
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    await server.startAgain();
    socket.retryNow();
    await eventually(() => socket.state() === 'open');
  });

  it('joins a channel again that has lost events, for its opening words', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { heard } = follow(socket, 'operations');
    await eventually(() => heard.length === 1);
    const connection = connections.at(-1);
    connection?.pause();
    for (let sent = 0; sent < 40; sent += 1) {
      server.tell(
        'operations',
        Array.from({ length: 50_000 }, () => Math.random()),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    connection?.resume();
    await eventually(() => heard.includes('hello 2'), 30_000);
    expect(heard.indexOf('gap')).toBeGreaterThan(0);
    expect(heard.indexOf('gap')).toBeLessThan(heard.indexOf('hello 2'));
  });

  it('goes to sign in when its session ends, and does not come back', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { heard } = follow(socket, 'fleet');
    await eventually(() => heard.length === 1);
    server.state.isSignedIn = false;
    await eventually(() => page.location.assign.mock.calls.length > 0);
    expect(page.location.assign.mock.calls).toEqual([['/sign-in']]);
    expect(socket.state()).toBe('open');
  });

  it('stays for the answer to its own sign-out before it goes', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { heard } = follow(socket, 'fleet');
    await eventually(() => heard.length === 1);
    let answer = () => {};
    socket.awaitSignOut(
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
    );
    server.state.isSignedIn = false;
    const [connection] = connections.slice(-1);
    await eventually(() => connection?.readyState === WebSocket.CLOSED);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(page.location.assign).not.toHaveBeenCalled();
    answer();
    await eventually(() => page.location.assign.mock.calls.length > 0);
  });

  it('does not come back when nobody listens any more, and does when somebody does', async () => {
    const server = await openServer();
    const socket = new LiveSocket();
    const { heard, stop } = follow(socket, 'fleet');
    await eventually(() => heard.length === 1);
    stop();
    await server.stop();
    await eventually(() => socket.state() === 'waiting');
    const again = await server.startAgain();
    const { length } = connections;
    // Longer than it waits before another attempt.
    await new Promise((resolve) => setTimeout(resolve, 800));
    socket.retryNow();
    expect(connections).toHaveLength(length);
    const later = follow(socket, 'fleet');
    await eventually(() => later.heard.length === 1);
    await again.stop();
  });

  it('goes to sign in when it is refused and the session is gone, and only then', async () => {
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
