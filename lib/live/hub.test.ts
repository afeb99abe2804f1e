import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ANYWHERE, type Scope } from '../grants';
import { eventually } from '../test-support/environment';
import { type LiveClient, openLive, serveUpgrades } from '../test-support/live';
import { type Admission, type ChannelSource, Hub, type LiveSession } from './hub';
import { type Channel, packBytes } from './protocol';

const ANYBODY = { role: 'viewer', where: (): Scope => ANYWHERE } as const;
const ANA: LiveSession = {
  sessionId: 's',
  userId: 'user-ana',
  actor: 'ana',
  grants: { everywhere: 'admin', on: {} },
};

type Options = { recheckEveryMs?: number; admit?: () => Promise<Admission> };

/** A hub behind a real server. Admits everyone unless `admit` is given. */
async function openHub({ recheckEveryMs = 15_000, admit }: Options = {}) {
  const hub = new Hub({ recheckEveryMs });
  const listeners = new Map<Channel, Set<(payload: unknown) => void>>();
  for (const channel of ['connections', 'operations'] as const) {
    const set = new Set<(payload: unknown) => void>();
    listeners.set(channel, set);
    hub.provide(channel, ANYBODY, (send) => {
      set.add(send);
      send(`hello from ${channel}`);
      return () => set.delete(send);
    });
  }
  const admitted: Admission = { ok: true, session: ANA, sessionStillValid: async () => true };
  const { port } = await serveUpgrades(
    (req, socket, head) => void hub.upgrade(req, socket, head, admit ?? (async () => admitted)),
  );
  onTestFinished(() => hub.close());
  return {
    hub,
    port,
    subscriberCount: (channel: Channel) => listeners.get(channel)?.size ?? 0,
    publish(channel: Channel, payload: unknown) {
      for (const send of listeners.get(channel) ?? []) send(payload);
    },
    async join(): Promise<LiveClient> {
      const { client, status } = await openLive(port);
      if (!client) throw new Error(`Refused with ${status}`);
      return client;
    },
  };
}

const event = (channel: Channel, payload: unknown) => ({ type: 'event', channel, payload });

describe('an upgrade', () => {
  it.each([
    [401, 'Sign in first.'],
    [403, 'Not from here.'],
  ] as const)('is refused over HTTP with %i', async (status, message) => {
    const { port } = await openHub({ admit: async () => ({ ok: false, status, message }) });
    expect(await openLive(port)).toEqual({ client: null, status, text: `${message}\n` });
  });

  it('is refused when the check itself fails', async () => {
    const { port } = await openHub({
      admit: async () => {
        throw new Error('the database is down');
      },
    });
    const refusal = await openLive(port);
    expect(refusal).toMatchObject({ status: 500 });
    expect(JSON.stringify(refusal)).not.toContain('database');
  });
});

describe('channels', () => {
  it('sends events to subscribers only, starting with the initial event', async () => {
    const { join, publish, subscriberCount } = await openHub();
    const [ana, li] = [await join(), await join()];
    ana.send({ type: 'subscribe', channel: 'connections' });
    li.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => ana.frames.length === 1 && li.frames.length === 1);
    publish('connections', { seq: 1 });
    publish('operations', { id: 'o' });
    await eventually(() => ana.frames.length === 2 && li.frames.length === 2);
    expect(ana.frames).toEqual([
      event('connections', 'hello from connections'),
      event('connections', { seq: 1 }),
    ]);
    expect(li.frames).toEqual([
      event('operations', 'hello from operations'),
      event('operations', { id: 'o' }),
    ]);
    expect([subscriberCount('connections'), subscriberCount('operations')]).toEqual([1, 1]);
  });

  it('serves nothing to those without the role on the connection, but says so if the channel does', async () => {
    const grants = { everywhere: null, on: { local: 'viewer' } } as const;
    const { hub, join } = await openHub({
      admit: async () => ({ ok: true, session: { ...ANA, grants }, sessionStillValid: async () => true }),
    });
    const where = (key: string) => key;
    const greet: ChannelSource = (send, { key }) => {
      send(`hello in ${key}`);
      return () => {};
    };
    hub.provide('fleet', { role: 'viewer', where }, greet);
    hub.provide('consoles', { role: 'operator', where, refusal: 'forbidden' }, greet);
    const client = await join();
    for (const channel of ['fleet', 'consoles'] as const)
      for (const key of ['staging', 'local']) client.send({ type: 'subscribe', channel, key });
    client.send({ type: 'subscribe', channel: 'connections' });
    await eventually(() => client.frames.length === 4);
    expect(client.frames).toEqual([
      { ...event('fleet', 'hello in local'), key: 'local' },
      { ...event('consoles', 'forbidden'), key: 'staging' },
      { ...event('consoles', 'forbidden'), key: 'local' },
      event('connections', 'hello from connections'),
    ]);
  });

  it('separates topics by key and passes the session to the source', async () => {
    const { hub, join, subscriberCount } = await openHub();
    const received: unknown[] = [];
    hub.provide('folder', ANYBODY, (send, subscriber) => {
      received.push(subscriber);
      send(`contents of ${subscriber.key}`);
      return () => received.push(`left ${subscriber.key}`);
    });
    const client = await join();
    client.send({ type: 'subscribe', channel: 'folder', key: 'local/i1 /home' });
    client.send({ type: 'subscribe', channel: 'folder', key: 'local/i1 /tmp' });
    await eventually(() => client.frames.length === 2);
    expect(client.frames).toEqual([
      { type: 'event', channel: 'folder', key: 'local/i1 /home', payload: 'contents of local/i1 /home' },
      { type: 'event', channel: 'folder', key: 'local/i1 /tmp', payload: 'contents of local/i1 /tmp' },
    ]);
    expect(received[0]).toMatchObject({ key: 'local/i1 /home', session: ANA });
    client.send({ type: 'unsubscribe', channel: 'folder', key: 'local/i1 /home' });
    await eventually(() => received.includes('left local/i1 /home'));
    expect(received).not.toContain('left local/i1 /tmp');
    client.socket.terminate();
    await eventually(() => received.includes('left local/i1 /tmp'));
    expect(subscriberCount('connections')).toBe(0);
  });

  it('delivers messages and bytes in order, both ways', async () => {
    const { hub, join } = await openHub();
    const received: unknown[] = [];
    hub.provide('console', ANYBODY, (send, { joinPayload, sendBytes }) => {
      received.push(joinPayload);
      send('welcome');
      sendBytes(Buffer.from([0xff, 0x00]));
      return {
        leave: () => received.push('left'),
        onMessage: (payload) => received.push(payload),
        onBytes: (bytes) => received.push([...bytes]),
      };
    });
    const client = await join();
    const topic = { channel: 'console', key: 'c1' } as const;
    // Ignored, because the client has not subscribed yet.
    client.send({ type: 'message', ...topic, payload: 'early' });
    client.send({ type: 'subscribe', ...topic, payload: { offset: 3 } });
    client.send({ type: 'message', ...topic, payload: 'one' });
    client.socket.send(packBytes(topic, Buffer.from([1, 2])));
    client.send({ type: 'message', ...topic, payload: 'two' });
    await eventually(() => received.includes('two'));
    expect(received).toEqual([{ offset: 3 }, 'one', [1, 2], 'two']);
    await eventually(() => client.bytes.length === 1);
    expect(client.bytes[0]).toEqual({ topic, bytes: new Uint8Array([0xff, 0x00]) });
    client.send({ type: 'unsubscribe', ...topic });
    client.send({ type: 'message', ...topic, payload: 'late' });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.at(-1)?.type === 'pong');
    expect(received.slice(4)).toEqual(['left']);
  });

  it('rechecks the session and closes the socket when it has ended', async () => {
    let isSignedIn = true;
    const { hub, join } = await openHub({
      admit: async () => ({ ok: true, session: ANA, sessionStillValid: async () => isSignedIn }),
    });
    const answers: boolean[] = [];
    hub.provide('console', ANYBODY, (_send, { recheck }) => ({
      leave: () => {},
      onBytes: () => {},
      onMessage: () => void recheck().then((holds) => answers.push(holds)),
    }));
    const client = await join();
    client.send({ type: 'subscribe', channel: 'console', key: 'c1' });
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 1 });
    await eventually(() => answers.length === 1);
    isSignedIn = false;
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 2 });
    expect(await client.closed).toBe(4401);
    expect(answers).toEqual([true, false]);
  });

  it('ignores subscriptions beyond the limit per socket', async () => {
    const { hub, join } = await openHub();
    let joined = 0;
    hub.provide('folder', ANYBODY, () => {
      joined += 1;
      return () => {};
    });
    const client = await join();
    for (let at = 0; at < 300; at += 1) client.send({ type: 'subscribe', channel: 'folder', key: `${at}` });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.some(({ type }) => type === 'pong'));
    expect(joined).toBe(256);
  });

  it('subscribes once for repeated requests, and unsubscribes', async () => {
    const { join, publish, subscriberCount } = await openHub();
    const client = await join();
    for (let time = 0; time < 3; time += 1) client.send({ type: 'subscribe', channel: 'connections' });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.some(({ type }) => type === 'pong'));
    expect(subscriberCount('connections')).toBe(1);
    client.send({ type: 'unsubscribe', channel: 'connections' });
    client.send({ type: 'unsubscribe', channel: 'connections' });
    await eventually(() => subscriberCount('connections') === 0);
    publish('connections', 'without subscribers');
    client.send({ type: 'ping' });
    await eventually(() => client.frames.at(-1)?.type === 'pong' && client.frames.length === 3);
    expect(client.frames.map(({ type }) => type)).toEqual(['event', 'pong', 'pong']);
  });

  it('unsubscribes when the connection ends', async () => {
    const { join, subscriberCount } = await openHub();
    const client = await join();
    client.send({ type: 'subscribe', channel: 'connections' });
    client.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => subscriberCount('connections') + subscriberCount('operations') === 2);
    client.socket.terminate();
    await eventually(() => subscriberCount('connections') + subscriberCount('operations') === 0);
  });
});

describe('a socket', () => {
  it.each(['nonsense', '{"type":"subscribe","channel":"everything"}', Buffer.from('{"type":"ping"}')])(
    'closes with 4400 after a malformed frame (%s)',
    async (data) => {
      const { join, subscriberCount } = await openHub();
      const client = await join();
      client.send({ type: 'subscribe', channel: 'connections' });
      client.socket.send(data);
      expect(await client.closed).toBe(4400);
      await eventually(() => subscriberCount('connections') === 0);
    },
  );

  it('closes after an oversized frame', async () => {
    const { join } = await openHub();
    const client = await join();
    client.send('x'.repeat(70_000));
    expect(await client.closed).toBe(1009);
  });

  it('closes with 1011 when a channel cannot handle its frame, without affecting others', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { hub, join, subscriberCount } = await openHub();
    const left: string[] = [];
    hub.provide('folder', ANYBODY, (_send, { key }) => {
      if (key === 'broken') throw new Error('broken on purpose');
      return () => {
        left.push(key);
        if (key === 'first') throw new Error('broken on purpose');
      };
    });
    const [other, client] = [await join(), await join()];
    other.send({ type: 'subscribe', channel: 'connections' });
    for (const key of ['first', 'second', 'broken'])
      client.send({ type: 'subscribe', channel: 'folder', key });
    expect(await client.closed).toBe(1011);
    await eventually(() => left.length === 2);
    expect(left).toEqual(['first', 'second']);
    expect(subscriberCount('connections')).toBe(1);
    expect(other.socket.readyState).toBe(WebSocket.OPEN);
    error.mockRestore();
  });

  it('closes with 4401 when its session ends, without affecting others', async () => {
    const ended = new Set<string>();
    let opened = 0;
    const { join } = await openHub({
      recheckEveryMs: 20,
      admit: async () => {
        opened += 1;
        const name = `session ${opened}`;
        return { ok: true, session: ANA, sessionStillValid: async () => !ended.has(name) };
      },
    });
    const [first, second] = [await join(), await join()];
    ended.add('session 1');
    expect(await first.closed).toBe(4401);
    expect(second.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('closes at once when sessions are rechecked', async () => {
    let hasEnded = false;
    const { hub, join } = await openHub({
      recheckEveryMs: 3_600_000,
      admit: async () => ({ ok: true, session: ANA, sessionStillValid: async () => !hasEnded }),
    });
    const client = await join();
    hub.recheckSessions();
    hasEnded = true;
    hub.recheckSessions();
    expect(await client.closed).toBe(4401);
  });

  it('stays open when its session cannot be checked', async () => {
    let checks = 0;
    const { join } = await openHub({
      recheckEveryMs: 10,
      admit: async () => ({
        ok: true,
        session: ANA,
        sessionStillValid: async () => {
          checks += 1;
          throw new Error('the database is down');
        },
      }),
    });
    const { socket } = await join();
    await eventually(() => checks > 3);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('ignores messages after the close frame was sent', async () => {
    let isSignedIn = true;
    const { hub, join } = await openHub({
      admit: async () => ({ ok: true, session: ANA, sessionStillValid: async () => isSignedIn }),
    });
    const received: unknown[] = [];
    hub.provide('console', ANYBODY, (_send, { recheck }) => ({
      leave: () => received.push('left'),
      onBytes: () => received.push('bytes'),
      onMessage: (payload) => void recheck().then(() => received.push(payload)),
    }));
    const client = await join();
    client.send({ type: 'subscribe', channel: 'console', key: 'c1' });
    client.socket.pause();
    isSignedIn = false;
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 'before' });
    await eventually(() => received.length === 1);
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 'behind' });
    client.socket.send(packBytes({ channel: 'console', key: 'c1' }, new Uint8Array([1])));
    // The client answers the close frame only after these.
    client.socket.resume();
    expect(await client.closed).toBe(4401);
    await eventually(() => received.includes('left'));
    expect(received).toEqual(['before', 'left']);
  });

  it('closes when the hub closes, even if the client does not answer', async () => {
    const { hub, join, subscriberCount } = await openHub();
    const client = await join();
    const silent = await join();
    silent.send({ type: 'subscribe', channel: 'connections' });
    await eventually(() => subscriberCount('connections') === 1);
    silent.socket.pause();
    hub.close();
    expect(await client.closed).toBe(1001);
    await eventually(() => subscriberCount('connections') === 0);
  });
});

describe('a slow client', () => {
  const megabyte = () => randomBytes(768 * 1024).toString('base64');

  it('loses events and is told, even if no event follows', async () => {
    const { join, publish } = await openHub();
    const client = await join();
    client.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => client.frames.length === 1);
    client.socket.pause();
    // More than the queue and the network buffers hold, so the last event is dropped.
    for (let sent = 0; sent < 40; sent += 1) {
      publish('operations', { at: sent, bytes: megabyte() });
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    await eventually(() => client.frames.at(-1)?.type === 'lost');
    const kinds = client.frames.map(({ type }) => type);
    expect(kinds.filter((kind) => kind === 'event').length).toBeLessThan(40);
    // One `lost` frame per gap.
    expect(kinds.join(' ')).not.toContain('lost lost');
    publish('operations', 'again');
    await eventually(() => client.frames.at(-1)?.type === 'event');
    expect(client.frames.at(-1)).toEqual(event('operations', 'again'));
  });

  it('is disconnected when it keeps subscribing without reading', async () => {
    const { hub, join } = await openHub();
    const seen = new Set<string>();
    hub.provide('console', ANYBODY, (_send, { key, sendBytes }) => {
      seen.add(`joined ${key}`);
      sendBytes(new Uint8Array(512 * 1024));
      return () => void seen.add(`left ${key}`);
    });
    const { socket, send } = await join();
    socket.pause();
    send({ type: 'subscribe', channel: 'console', key: 'kept' });
    // Would queue half a gigabyte.
    for (let time = 0; time < 1_000; time += 1) {
      send({ type: 'subscribe', channel: 'console', key: 'again' });
      send({ type: 'unsubscribe', channel: 'console', key: 'again' });
    }
    send({ type: 'subscribe', channel: 'console', key: 'last' });
    await eventually(() => seen.has('left kept') || seen.has('joined last'));
    expect([...seen]).toEqual(['joined kept', 'joined again', 'left again', 'left kept']);
  });

  it('does not slow down others', async () => {
    const { join, publish } = await openHub();
    const [slow, quick] = [await join(), await join()];
    for (const client of [slow, quick]) client.send({ type: 'subscribe', channel: 'connections' });
    await eventually(() => slow.frames.length + quick.frames.length === 2);
    slow.socket.pause();
    for (let sent = 0; sent < 20; sent += 1) {
      publish('connections', megabyte());
      await eventually(() => quick.frames.length === sent + 2);
    }
    expect(quick.frames.every(({ type }) => type === 'event')).toBe(true);
    slow.socket.terminate();
  });
});
