import type { RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConnectionFields } from '../connection';
import { selfSigned } from '../test-support/certificate';
import { serveHttp, setUpDataDir } from '../test-support/environment';
import { testConnection } from './connection-test';

setUpDataDir();

const KEY = 'e2b_0123456789abcdef';
const LIMITS = { callMs: 15_000, testMs: 30_000, pages: 3 };

const fieldsAt = (apiUrl: string, kind = 'e2b') => ConnectionFields.parse({ name: 'prod', kind, apiUrl });
const test = (apiUrl: string, limits = LIMITS) => testConnection(fieldsAt(apiUrl), KEY, limits);
const answering = (status: number, body = '', headers: Record<string, string> = {}) =>
  serveHttp((_request, response) => void response.writeHead(status, headers).end(body));

/** A server of bytes, which answers each connection by `serve`. */
async function serveSocket(serve: (socket: Socket) => void): Promise<{ address: string; port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, port };
}

/** An empty account behind TLS. */
async function serveTls(certificate: Parameters<typeof selfSigned>[0]): Promise<string> {
  const server = createTlsServer(selfSigned(certificate), (_, response) => void response.end('[]'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An account with `pages` pages of two sandboxes each. */
function account(pages: number, aheadMs = 0): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    if (request.headers['x-api-key'] !== KEY) return void response.writeHead(401).end('{"message":"no"}');
    if (url.pathname !== '/v2/sandboxes') return void response.writeHead(404).end();
    const page = Number(url.searchParams.get('nextToken') ?? 0);
    if (page + 1 < pages) response.setHeader('x-next-token', String(page + 1));
    const rows = [0, 1].map((at) => ({ sandboxID: `i${page}${at}`, state: 'running' }));
    response.end(JSON.stringify(rows));
  };
}

describe('a test of a connection', () => {
  it('counts the sandboxes and tells the clock and the capabilities', async () => {
    const found = await test(await serveHttp(account(2, 3_600_000)));
    expect(found).toMatchObject({ sandboxes: 4, hasMore: false, answerMs: expect.any(Number) });
    expect(Math.abs(found.aheadMs - 3_600_000)).toBeLessThan(60_000);
    const support = Object.fromEntries(found.findings.map(({ name, support }) => [name, support]));
    expect(support).toMatchObject({ cursor: 'yes', templates: 'no', pause: 'yes' });
    expect(JSON.stringify(found)).not.toContain('0123');
  });

  it('stops counting in a long list', async () => {
    expect(await test(await serveHttp(account(50)))).toMatchObject({ sandboxes: 6, hasMore: true });
  });

  it('closes its sockets', async () => {
    const open = new Set<Socket>();
    const address = await serveHttp((request, response) => {
      open.add(request.socket);
      request.socket.on('close', () => open.delete(request.socket));
      account(1)(request, response);
    });
    await test(address);
    await expect.poll(() => open.size, { timeout: 20_000 }).toBe(0);
  });

  it.each([
    ['a wrong key', () => answering(401), 'refuses this API key', 'begins with e2b_'],
    ['a key without the right', () => answering(403), 'does not let this API key list', 'Use a key'],
    ['another path', () => answering(404), 'no sandbox API at', 'such as https://api.e2b.app'],
    ['a web page', () => answering(200, '<html>'), 'answers with a web page', 'such as https://api.e2b.app'],
    [
      'a page of another path',
      () => answering(404, '<!doctype html>'),
      'no sandbox API at',
      'such as https://',
    ],
    ['a page of a proxy', () => answering(502, '<html>bad</html>'), 'answered 502', 'test again later'],
    ['an object', () => answering(200, '{"ok":true}'), 'not with a list of sandboxes', 'Enter the address'],
    ['a redirect', () => answering(302, '', { location: '/x' }), 'redirects', 'Enter that address'],
    ['an error', () => answering(500, '{"message":"disk"}'), 'answered 500', 'The service says: “disk”.'],
    ['a full limiter', () => answering(429), 'too many requests', 'Test again in a minute'],
    ['no host', async () => 'http://nothing.invalid', 'no host named nothing.invalid', 'spelling'],
    [
      'bytes that are not HTTP',
      async () => (await serveSocket((socket) => socket.end('SSH-2.0-x\r\n'))).address,
      'does not answer in HTTP',
      'Check the port',
    ],
    [
      'plain HTTP behind https',
      async () => (await answering(200, '[]')).replace('http:', 'https:'),
      'does not speak TLS',
      'http://',
    ],
    [
      'TLS behind http',
      async () => (await serveTls({ names: ['localhost'] })).replace('https:', 'http:'),
      'speaks TLS',
      'Enter an address that begins with https://',
    ],
    [
      'a certificate that it made itself',
      () => serveTls({ names: ['localhost'] }),
      'not from an authority that Sandkeeper trusts',
      'NODE_EXTRA_CA_CERTS',
    ],
    [
      'a certificate that has expired',
      () => serveTls({ names: ['localhost'], until: new Date(Date.now() - 1_000) }),
      'has expired',
      'Have it renewed',
    ],
  ])('says of %s what is wrong and what would be right', async (_, serve, wrong, right) => {
    const failure = await test(await serve()).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'invalid' });
    expect(failure).toMatchObject({ message: expect.stringContaining(wrong) });
    expect(failure).toMatchObject({ message: expect.stringContaining(right) });
  });

  it('says that nothing answers at a closed port', async () => {
    const { address, port } = await serveSocket(() => {});
    const closed = address.replace(String(port), '1');
    await expect(test(closed)).rejects.toThrow(
      'Nothing answers at 127.0.0.1:1. Check the address and its port',
    );
  });

  it('ends by the deadline of a call, and of the whole test', async () => {
    const silent = await serveSocket(() => {});
    await expect(test(silent.address, { ...LIMITS, callMs: 200 })).rejects.toThrow('did not answer in time');
    await expect(test(silent.address, { ...LIMITS, testMs: 200 })).rejects.toThrow('did not answer in time');
  });

  it('repeats no key that a service sends back', async () => {
    const address = await answering(401, JSON.stringify({ message: `no account for ${KEY}` }));
    const failure = await test(address).catch((error: Error) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining('The service says: “no account for') });
    expect(String((failure as Error).message)).not.toContain(KEY);
  });
});
