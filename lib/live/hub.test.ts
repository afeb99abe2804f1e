import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../test-support/environment';
import { type LiveClient, openLive, serveUpgrades } from '../test-support/live';
import { type Admission, Hub } from './hub';
import { type Channel, packBytes } from './protocol';

const ANA = { sessionId: 's', actor: 'ana', isAtLeast: () => true };

type Options = { recheckEveryMs?: number; admit?: () => Promise<Admission> };

/** A hub behind a real server; everybody may come in unless told otherwise. */
async function openHub({ recheckEveryMs = 15_000, admit }: Options = {}) {
  const hub = new Hub({ recheckEveryMs });
  const listeners = new Map<Channel, Set<(payload: unknown) => void>>();
  for (const channel of ['fleet', 'operations'] as const) {
    const set = new Set<(payload: unknown) => void>();
    listeners.set(channel, set);
    hub.provide(channel, (send) => {
      set.add(send);
      send(`hello from ${channel}`);
      return () => set.delete(send);
    });
  }
  const welcome: Admission = { ok: true, listener: ANA, sessionStillValid: async () => true };
  const { port } = await serveUpgrades(
    (req, socket, head) => void hub.upgrade(req, socket, head, admit ?? (async () => welcome)),
  );
  onTestFinished(() => hub.close());
  return {
    hub,
    port,
    listening: (channel: Channel) => listeners.get(channel)?.size ?? 0,
    tell(channel: Channel, payload: unknown) {
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
        throw new Error('the database is away');
      },
    });
    const refusal = await openLive(port);
    expect(refusal).toMatchObject({ status: 500 });
    expect(JSON.stringify(refusal)).not.toContain('database');
  });
});

describe('channels', () => {
  it('are told to those who joined them, from the opening words on', async () => {
    const { join, tell, listening } = await openHub();
    const [ana, li] = [await join(), await join()];
    ana.send({ type: 'subscribe', channel: 'fleet' });
    li.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => ana.frames.length === 1 && li.frames.length === 1);
    tell('fleet', { seq: 1 });
    tell('operations', { id: 'o' });
    await eventually(() => ana.frames.length === 2 && li.frames.length === 2);
    expect(ana.frames).toEqual([event('fleet', 'hello from fleet'), event('fleet', { seq: 1 })]);
    expect(li.frames).toEqual([
      event('operations', 'hello from operations'),
      event('operations', { id: 'o' }),
    ]);
    expect([listening('fleet'), listening('operations')]).toEqual([1, 1]);
  });

  it('of a kind are told apart by their key, and know who listens', async () => {
    const { hub, join, listening } = await openHub();
    const heard: unknown[] = [];
    hub.provide('folder', (send, from) => {
      heard.push(from);
      send(`contents of ${from.key}`);
      return () => heard.push(`left ${from.key}`);
    });
    const client = await join();
    client.send({ type: 'subscribe', channel: 'folder', key: 'i1 /home' });
    client.send({ type: 'subscribe', channel: 'folder', key: 'i1 /tmp' });
    await eventually(() => client.frames.length === 2);
    expect(client.frames).toEqual([
      { type: 'event', channel: 'folder', key: 'i1 /home', payload: 'contents of i1 /home' },
      { type: 'event', channel: 'folder', key: 'i1 /tmp', payload: 'contents of i1 /tmp' },
    ]);
    expect(heard[0]).toMatchObject({ key: 'i1 /home', listener: ANA });
    client.send({ type: 'unsubscribe', channel: 'folder', key: 'i1 /home' });
    await eventually(() => heard.includes('left i1 /home'));
    expect(heard).not.toContain('left i1 /tmp');
    client.socket.terminate();
    await eventually(() => heard.includes('left i1 /tmp'));
    expect(listening('fleet')).toBe(0);
  });

  it('can be spoken with, by words and by bytes, in the order of what is sent', async () => {
    const { hub, join } = await openHub();
    const heard: unknown[] = [];
    hub.provide('console', (send, { opening, sendBytes }) => {
      heard.push(opening);
      send('welcome');
      sendBytes(Buffer.from([0xff, 0x00]));
      return {
        leave: () => heard.push('left'),
        onMessage: (payload) => heard.push(payload),
        onBytes: (bytes) => heard.push([...bytes]),
      };
    });
    const client = await join();
    const place = { channel: 'console', key: 'c1' } as const;
    // Nobody is there yet to hear this.
    client.send({ type: 'message', ...place, payload: 'early' });
    client.send({ type: 'subscribe', ...place, payload: { offset: 3 } });
    client.send({ type: 'message', ...place, payload: 'one' });
    client.socket.send(packBytes(place, Buffer.from([1, 2])));
    client.send({ type: 'message', ...place, payload: 'two' });
    await eventually(() => heard.includes('two'));
    expect(heard).toEqual([{ offset: 3 }, 'one', [1, 2], 'two']);
    await eventually(() => client.bytes.length === 1);
    expect(client.bytes[0]).toEqual({ place, bytes: new Uint8Array([0xff, 0x00]) });
    client.send({ type: 'unsubscribe', ...place });
    client.send({ type: 'message', ...place, payload: 'late' });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.at(-1)?.type === 'pong');
    expect(heard.slice(4)).toEqual(['left']);
  });

  it('learn whether the session of who listens still holds', async () => {
    let isSignedIn = true;
    const { hub, join } = await openHub({
      admit: async () => ({ ok: true, listener: ANA, sessionStillValid: async () => isSignedIn }),
    });
    const answers: boolean[] = [];
    hub.provide('console', (_send, { recheck }) => ({
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

  it('beyond what one socket may listen to are not joined', async () => {
    const { hub, join } = await openHub();
    let joined = 0;
    hub.provide('folder', () => {
      joined += 1;
      return () => {};
    });
    const client = await join();
    for (let at = 0; at < 80; at += 1) client.send({ type: 'subscribe', channel: 'folder', key: `${at}` });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.some(({ type }) => type === 'pong'));
    expect(joined).toBe(64);
  });

  it('are joined once however often one asks, and left', async () => {
    const { join, tell, listening } = await openHub();
    const client = await join();
    for (let time = 0; time < 3; time += 1) client.send({ type: 'subscribe', channel: 'fleet' });
    client.send({ type: 'ping' });
    await eventually(() => client.frames.some(({ type }) => type === 'pong'));
    expect(listening('fleet')).toBe(1);
    client.send({ type: 'unsubscribe', channel: 'fleet' });
    client.send({ type: 'unsubscribe', channel: 'fleet' });
    await eventually(() => listening('fleet') === 0);
    tell('fleet', 'nobody hears this');
    client.send({ type: 'ping' });
    await eventually(() => client.frames.at(-1)?.type === 'pong' && client.frames.length === 3);
    expect(client.frames.map(({ type }) => type)).toEqual(['event', 'pong', 'pong']);
  });

  it('are left by a connection that ends', async () => {
    const { join, listening } = await openHub();
    const client = await join();
    client.send({ type: 'subscribe', channel: 'fleet' });
    client.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => listening('fleet') + listening('operations') === 2);
    client.socket.terminate();
    await eventually(() => listening('fleet') + listening('operations') === 0);
  });
});

describe('a socket', () => {
  it.each(['nonsense', '{"type":"subscribe","channel":"everything"}', Buffer.from('{"type":"ping"}')])(
    'that sends no frame of ours is closed with 4400 (%s)',
    async (data) => {
      const { join, listening } = await openHub();
      const client = await join();
      client.send({ type: 'subscribe', channel: 'fleet' });
      client.socket.send(data);
      expect(await client.closed).toBe(4400);
      await eventually(() => listening('fleet') === 0);
    },
  );

  it('that sends too much at once is closed', async () => {
    const { join } = await openHub();
    const client = await join();
    client.send('x'.repeat(70_000));
    expect(await client.closed).toBe(1009);
  });

  it('is closed with 4401 soon after its session has ended, others stay', async () => {
    const ended = new Set<string>();
    let opened = 0;
    const { join } = await openHub({
      recheckEveryMs: 20,
      admit: async () => {
        opened += 1;
        const name = `session ${opened}`;
        return { ok: true, listener: ANA, sessionStillValid: async () => !ended.has(name) };
      },
    });
    const [first, second] = [await join(), await join()];
    ended.add('session 1');
    expect(await first.closed).toBe(4401);
    expect(second.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is closed at once when somebody says that sessions have ended', async () => {
    let hasEnded = false;
    const { hub, join } = await openHub({
      recheckEveryMs: 3_600_000,
      admit: async () => ({ ok: true, listener: ANA, sessionStillValid: async () => !hasEnded }),
    });
    const client = await join();
    hub.recheckSessions();
    hasEnded = true;
    hub.recheckSessions();
    expect(await client.closed).toBe(4401);
  });

  it('stays when its session cannot be checked just now', async () => {
    let checks = 0;
    const { join } = await openHub({
      recheckEveryMs: 10,
      admit: async () => ({
        ok: true,
        listener: ANA,
        sessionStillValid: async () => {
          checks += 1;
          throw new Error('the database is away');
        },
      }),
    });
    const { socket } = await join();
    await eventually(() => checks > 3);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('that is being closed is not listened to, though it does not answer that', async () => {
    let isSignedIn = true;
    const { hub, join } = await openHub({
      admit: async () => ({ ok: true, listener: ANA, sessionStillValid: async () => isSignedIn }),
    });
    const heard: unknown[] = [];
    hub.provide('console', (_send, { recheck }) => ({
      leave: () => heard.push('left'),
      onBytes: () => heard.push('bytes'),
      onMessage: (payload) => void recheck().then(() => heard.push(payload)),
    }));
    const client = await join();
    client.send({ type: 'subscribe', channel: 'console', key: 'c1' });
    client.socket.pause();
    isSignedIn = false;
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 'before' });
    await eventually(() => heard.length === 1);
    client.send({ type: 'message', channel: 'console', key: 'c1', payload: 'behind' });
    client.socket.send(packBytes({ channel: 'console', key: 'c1' }, new Uint8Array([1])));
    // Its answer to the close comes after these.
    client.socket.resume();
    expect(await client.closed).toBe(4401);
    await eventually(() => heard.includes('left'));
    expect(heard).toEqual(['before', 'left']);
  });

  it('is closed by close, and at the latest soon after', async () => {
    const { hub, join, listening } = await openHub();
    const client = await join();
    const deaf = await join();
    deaf.send({ type: 'subscribe', channel: 'fleet' });
    await eventually(() => listening('fleet') === 1);
    deaf.socket.pause();
    hub.close();
    expect(await client.closed).toBe(1001);
    await eventually(() => listening('fleet') === 0);
  });
});

describe('a browser that cannot keep up', () => {
  const megabyte = () => randomBytes(768 * 1024).toString('base64');

  it('gets a gap and the news of it instead of an ever longer queue, even if nothing follows', async () => {
    const { join, tell } = await openHub();
    const client = await join();
    client.send({ type: 'subscribe', channel: 'operations' });
    await eventually(() => client.frames.length === 1);
    client.socket.pause();
    // More than the queue and what the network holds; the last word is among what is dropped.
    for (let sent = 0; sent < 40; sent += 1) {
      tell('operations', { at: sent, bytes: megabyte() });
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.resume();
    await eventually(() => client.frames.at(-1)?.type === 'lost', 30_000);
    const kinds = client.frames.map(({ type }) => type);
    expect(kinds.filter((kind) => kind === 'event').length).toBeLessThan(40);
    // Told once for each gap, never twice in a row.
    expect(kinds.join(' ')).not.toContain('lost lost');
    tell('operations', 'again');
    await eventually(() => client.frames.at(-1)?.type === 'event');
    expect(client.frames.at(-1)).toEqual(event('operations', 'again'));
  });

  it('and has everything sent anew again and again is cut off', async () => {
    const { hub, join } = await openHub();
    const seen = new Set<string>();
    hub.provide('console', (_send, { key, sendBytes }) => {
      seen.add(`joined ${key}`);
      sendBytes(new Uint8Array(512 * 1024));
      return () => void seen.add(`left ${key}`);
    });
    const { socket, send } = await join();
    socket.pause();
    send({ type: 'subscribe', channel: 'console', key: 'kept' });
    // Half a gigabyte, were it all kept.
    for (let time = 0; time < 1_000; time += 1) {
      send({ type: 'subscribe', channel: 'console', key: 'again' });
      send({ type: 'unsubscribe', channel: 'console', key: 'again' });
    }
    send({ type: 'subscribe', channel: 'console', key: 'last' });
    await eventually(() => seen.has('left kept') || seen.has('joined last'), 30_000);
    expect([...seen]).toEqual(['joined kept', 'joined again', 'left again', 'left kept']);
  });

  it('does not slow others down', async () => {
    const { join, tell } = await openHub();
    const [slow, quick] = [await join(), await join()];
    for (const client of [slow, quick]) client.send({ type: 'subscribe', channel: 'fleet' });
    await eventually(() => slow.frames.length + quick.frames.length === 2);
    slow.socket.pause();
    for (let sent = 0; sent < 20; sent += 1) {
      tell('fleet', megabyte());
      await eventually(() => quick.frames.length === sent + 2);
    }
    expect(quick.frames.every(({ type }) => type === 'event')).toBe(true);
    slow.socket.terminate();
  });
});
