import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../scripts/lib/build.mjs';
import { send } from './engine/test-engine';
import { createFront, readConfig } from './front';

const HEADER_MS = 300;
const BODY_MS = 300;
/** Deadlines are checked at intervals, and the machine may be busy. */
const SLACK_MS = 2_000;

type Serve = (req: IncomingMessage, res: ServerResponse) => void;

/** A front with short deadlines and small limits. `serve` handles every request that it lets through. */
async function openFront(serve: Serve = (_req, res) => res.end('ok'), env: Record<string, string> = {}) {
  const read = readConfig({
    PORT: '3000',
    SANDKEEPER_HEADER_TIMEOUT_MS: String(HEADER_MS),
    SANDKEEPER_BODY_TIMEOUT_MS: String(BODY_MS),
    SANDKEEPER_HTTP_CONNECTIONS: '40',
    SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS: '8',
    ...env,
  });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  let upgrades = 0;
  const handlers = {
    serveFiles: () => false,
    servePage: serve,
    upgradeLive: (_req: IncomingMessage, socket: Duplex) => {
      upgrades += 1;
      socket.resume().on('end', () => socket.end());
    },
  };
  const server = createFront(read.config, handlers, { dev: false });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  // The port of the configuration is only compared with `Host`.
  const ask = (headers: Record<string, string> = {}, method = 'GET') =>
    send(port, method, '/', undefined, { host: 'localhost:3000', ...headers });
  return { port, ask, upgrades: () => upgrades };
}

/** A raw connection that has sent `text`, with what it has received. */
async function openRaw(port: number, text: string) {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    received += part;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return { socket, closed, received: () => received, isOpen: () => !socket.closed };
}

/** Writes one byte at a time until the connection is closed. */
function drip(socket: Socket, everyMs: number, bytes = 'x'): void {
  const timer = setInterval(() => socket.writable && socket.write(bytes), everyMs);
  socket.once('close', () => clearInterval(timer));
}

const head = (method: string, ...lines: string[]) =>
  `${[`${method} / HTTP/1.1`, 'host: localhost:3000', ...lines].join('\r\n')}\r\n\r\n`;

/** Reads the body to its end and then answers, as an upload does. */
const readAll: Serve = (req, res) => {
  let bytes = 0;
  req.on('data', (part: Buffer) => {
    bytes += part.length;
  });
  req.on('end', () => res.end(`got ${bytes}`));
};

describe('a slow client', () => {
  it('has a deadline for the headers, also if it sends a byte now and then', async () => {
    const { port } = await openFront(undefined, { SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS: '40' });
    const startedMs = performance.now();
    const raws = await Promise.all(
      ['', 'G', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nhost: localhost:3000\r\nx-a: '].flatMap((text) =>
        Array.from({ length: 5 }, () => openRaw(port, text)),
      ),
    );
    for (const { socket } of raws.slice(-5)) drip(socket, 50);
    await Promise.all(raws.map(({ closed }) => closed));
    expect(performance.now() - startedMs).toBeLessThan(HEADER_MS + SLACK_MS);
  });

  it('has a deadline for a body', async () => {
    const { port } = await openFront(readAll);
    const startedMs = performance.now();
    const raws = await Promise.all([
      openRaw(port, `${head('POST', 'content-length: 1000')}x`),
      openRaw(port, `${head('POST', 'transfer-encoding: chunked')}1\r\nx\r\n`),
      openRaw(port, `${head('GET', 'content-length: 1000')}x`),
      openRaw(
        port,
        `${head('POST', 'content-length: 100000', 'next-action: 40ab', 'content-type: text/plain')}[`,
      ),
    ]);
    for (const { socket } of raws) drip(socket, 20);
    await Promise.all(raws.map(({ closed }) => closed));
    expect(performance.now() - startedMs).toBeLessThan(BODY_MS + SLACK_MS);
    expect(raws[0]?.received()).toMatch(/^HTTP\/1\.1 408 [\s\S]*did not arrive in time/);
  });

  it('may upload for any time while it makes progress', async () => {
    const { port } = await openFront(readAll);
    const raw = await openRaw(port, head('PUT', `content-length: ${10 * 4_096}`));
    for (let part = 0; part < 10; part += 1) {
      raw.socket.write('x'.repeat(4_096));
      await sleep(BODY_MS / 3);
    }
    await expect.poll(raw.received).toContain(`got ${10 * 4_096}`);
  });

  it('has to make progress with an upload', async () => {
    const { port } = await openFront(readAll);
    const startedMs = performance.now();
    const raw = await openRaw(port, `${head('PUT', 'content-length: 100000')}${'x'.repeat(4_096)}`);
    drip(raw.socket, 50);
    await raw.closed;
    expect(raw.received()).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedMs).toBeLessThan(3 * BODY_MS + SLACK_MS);
  });

  it('is not blamed for an upload that the server does not read', async () => {
    const { port } = await openFront((req, res) => {
      setTimeout(() => readAll(req, res), 4 * BODY_MS);
    });
    const bytes = 4 * 1024 * 1024;
    const raw = await openRaw(port, `${head('PUT', `content-length: ${bytes}`)}${'x'.repeat(bytes)}`);
    await expect.poll(raw.received).toContain(`got ${bytes}`);
  });
});

describe('the limits on connections', () => {
  it('close the longest idle connection of an address for a new one', async () => {
    const { port, ask } = await openFront(undefined, { SANDKEEPER_HEADER_TIMEOUT_MS: '60000' });
    const raws = await Promise.all(Array.from({ length: 30 }, () => openRaw(port, 'GET / HTTP/1.1\r\n')));
    await expect.poll(() => raws.filter(({ isOpen }) => isOpen()).length).toBe(8);
    expect((await ask()).text).toBe('ok');
    expect(raws.filter(({ isOpen }) => isOpen()).length).toBe(7);
  });

  it('refuse a connection with 503 if the others are in use, and admit one when they are not', async () => {
    const waiting: ServerResponse[] = [];
    const { port, ask } = await openFront((_req, res) => void waiting.push(res));
    const raws = await Promise.all(Array.from({ length: 8 }, () => openRaw(port, head('GET'))));
    await expect.poll(() => waiting.length).toBe(8);
    const refused = await ask();
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    for (const res of waiting.splice(0)) res.end('done');
    await expect.poll(() => raws.every(({ received }) => received().includes('done'))).toBe(true);
    const asked = ask();
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]?.end('ok');
    expect((await asked).text).toBe('ok');
  });

  it('count WebSockets', async () => {
    const { port, ask, upgrades } = await openFront();
    const upgrade = head('GET', 'connection: upgrade', 'upgrade: websocket').replace(' / ', ' /live ');
    const raws = await Promise.all(Array.from({ length: 8 }, () => openRaw(port, upgrade)));
    await expect.poll(upgrades).toBe(8);
    expect((await ask()).status).toBe(503);
    for (const { socket } of raws) socket.destroy();
    await expect.poll(async () => (await ask()).status).toBe(200);
  });

  it('count the clients behind a trusted proxy, not the proxy', async () => {
    const waiting: ServerResponse[] = [];
    const { port, ask } = await openFront(
      (req, res) => void (req.headers['x-wait'] ? waiting.push(res) : res.end('ok')),
      { SANDKEEPER_TRUSTED_PROXIES: '127.0.0.1' },
    );
    const from = (address: string) => ({ 'x-forwarded-for': address });
    await Promise.all(
      Array.from({ length: 8 }, () =>
        openRaw(port, head('GET', 'x-forwarded-for: 203.0.113.7', 'x-wait: 1')),
      ),
    );
    await expect.poll(() => waiting.length).toBe(8);
    expect((await ask(from('203.0.113.7'))).status).toBe(503);
    expect((await ask(from('203.0.113.8'))).status).toBe(200);
    waiting[0]?.end();
    await expect.poll(async () => (await ask(from('203.0.113.7'))).status).toBe(200);
  });

  it('hold for all connections together', async () => {
    const waiting: ServerResponse[] = [];
    const { port, ask } = await openFront((_req, res) => void waiting.push(res), {
      SANDKEEPER_HTTP_CONNECTIONS: '10',
      SANDKEEPER_HTTP_CONNECTIONS_PER_ADDRESS: '100',
    });
    await Promise.all(Array.from({ length: 10 }, () => openRaw(port, head('GET'))));
    await expect.poll(() => waiting.length).toBe(10);
    expect((await ask()).status).toBe(503);
  });
});

describe('an unexpected error', () => {
  /** The front in a process of its own, with handlers that fail. */
  async function startFailing(): Promise<{ child: ChildProcess; port: number; log: () => string }> {
    const file = `build/test/front-${process.pid}.mjs`;
    await bundle('lib/front.ts', file);
    const program = `
      import { createFront, keepServing, readConfig } from './${file}';
      const { config } = readConfig({ PORT: '3000' });
      const fail = () => { throw new Error('broken on purpose'); };
      const pages = {
        '/throw': fail,
        '/reject': async () => fail(),
        '/later': () => void setTimeout(fail, 10),
        '/forgotten': () => { Promise.reject(new Error('broken on purpose')); },
        '/started': (req, res) => { res.write('a part'); setTimeout(fail, 10); },
      };
      const server = createFront(config, {
        serveFiles: () => false,
        servePage: (req, res) => (pages[req.url] ?? (() => res.end('ok')))(req, res),
        upgradeLive: () => setTimeout(fail, 10),
      }, { dev: false });
      process.on('message', () => {
        for (let time = 0; time < 105; time += 1) setTimeout(fail, 10);
      });
      keepServing((message) => { console.error(message); process.exit(9); });
      server.listen(0, '127.0.0.1', () => process.send(server.address().port));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const [port] = await once(child, 'message');
    return { child, port: Number(port), log: () => log };
  }

  it('is logged and ends its own request with 500, and the server keeps serving', async () => {
    const { child, port, log } = await startFailing();
    const ask = (path: string) => send(port, 'GET', path, undefined, { host: 'localhost:3000' });
    for (const path of ['/throw', '/reject', '/later', '/forgotten']) {
      const { status, text } = await ask(path);
      expect([path, status]).toEqual([path, 500]);
      expect(text).toMatch(/^Something unexpected happened/);
    }
    await expect(ask('/started')).rejects.toThrow();
    await openRaw(port, 'GET /live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    await expect.poll(() => log().match(/broken on purpose/g)?.length ?? 0).toBeGreaterThanOrEqual(6);
    expect((await ask('/')).text).toBe('ok');
    expect(child.exitCode).toBeNull();
  });

  it('ends the process if errors of its own work do not end, not for those of clients', async () => {
    const { child, port, log } = await startFailing();
    const exited = once(child, 'exit');
    const ask = () => send(port, 'GET', '/later', undefined, { host: 'localhost:3000' });
    const answers = await Promise.all(Array.from({ length: 150 }, ask));
    // A client must not be able to end the server.
    expect(answers.every(({ status }) => status === 500)).toBe(true);
    expect(child.exitCode).toBeNull();
    child.send('fail');
    expect((await exited)[0]).toBe(9);
    expect(log()).toContain('Too many unexpected errors');
  });
});
