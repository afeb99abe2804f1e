import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { send } from './engine/test-engine';
import { admit, readConfig } from './front';

/** A front before a server that returns the headers it received. */
async function startFront({ env = {}, dev = false }: { env?: Record<string, string>; dev?: boolean } = {}) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const read = readConfig({ PORT: String(port), ...env });
  if (!read.ok) throw new Error(read.problems.join('\n'));
  server.on('request', (req, res) => {
    if (admit(read.config, req, res, { dev })) res.end(JSON.stringify(req.headers));
  });
  const ask = async (headers: Record<string, string> = {}, path = '/', method = 'GET') => {
    const answer = await send(port, method, path, undefined, headers);
    return { ...answer, seen: answer.json as IncomingHttpHeaders | undefined };
  };
  return { ask, port };
}

const policyOf = (headers: IncomingHttpHeaders) => String(headers['content-security-policy']);

test('sends the security headers with every response, also with a refusal', async () => {
  const { ask } = await startFront();
  const requests: Record<string, string>[] = [{}, { host: 'evil.example' }];
  for (const headers of requests) {
    const answer = await ask(headers);
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
    expect(policyOf(answer.headers)).toContain("frame-ancestors 'none'");
    expect(answer.headers['strict-transport-security']).toBeUndefined();
  }
});

test('allows scripts only by nonce and sockets only to this host', async () => {
  const { ask, port } = await startFront();
  const policy = policyOf((await ask()).headers);
  const directives = new Map(policy.split('; ').map((text) => [text.split(' ')[0], text]));
  expect(directives.get('script-src')).toMatch(
    /^script-src 'self' 'nonce-[A-Za-z0-9+/]{22}==' 'strict-dynamic'$/,
  );
  expect(directives.get('default-src')).toBe("default-src 'self'");
  expect(directives.get('connect-src')).toBe(
    `connect-src 'self' ws://127.0.0.1:${port} wss://127.0.0.1:${port}`,
  );
  expect(directives.get('object-src')).toBe("object-src 'none'");
  expect(directives.get('base-uri')).toBe("base-uri 'none'");
  expect(directives.get('form-action')).toBe("form-action 'self'");
});

test('gives each response its own nonce and passes it to Next.js, ignoring one in the request', async () => {
  const { ask } = await startFront();
  const claimed = "script-src 'nonce-mine'";
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask({ 'content-security-policy': claimed })),
  );
  const policies = answers.map(({ headers }) => policyOf(headers));
  expect(new Set(policies).size).toBe(5);
  expect(answers.map(({ seen }) => seen?.['content-security-policy'])).toEqual(policies);
});

test('allows the evaluation of scripts only in development', async () => {
  const { ask } = await startFront({ dev: true });
  expect(policyOf((await ask()).headers)).toContain("'unsafe-eval'");
  const { ask: askServed } = await startFront();
  expect(policyOf((await askServed()).headers)).not.toContain('unsafe-eval');
});

test('rejects other hosts before it handles the request', async () => {
  const { ask, port } = await startFront();
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost', `localhost:${port + 1}`]) {
    const { status, text } = await ask({ host });
    expect([host, status]).toEqual([host, 421]);
    expect(text).toContain('set SANDKEEPER_URL');
  }
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
    expect([host, (await ask({ host })).status]).toEqual([host, 200]);
  }
});

test('removes forwarding headers from requests', async () => {
  const { ask } = await startFront();
  const { seen } = await ask({
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '1',
    forwarded: 'host=evil.example',
    'accept-language': 'en',
  });
  expect(Object.keys(seen ?? {}).filter((name) => name.includes('forwarded'))).toEqual([]);
  expect(seen?.['accept-language']).toBe('en');
});

test('sends HSTS behind HTTPS', async () => {
  const { ask } = await startFront({ env: { SANDKEEPER_URL: 'https://keeper.test' } });
  const { status, headers } = await ask({ host: 'keeper.test' });
  expect(status).toBe(200);
  expect(headers['strict-transport-security']).toBe('max-age=31536000');
});

test('answers unknown methods, addresses that cannot be decoded, and unused parts of Next.js itself', async () => {
  const { ask } = await startFront();
  const statusOf = async (path: string, method = 'GET') => (await ask({}, path, method)).status;
  expect(await statusOf('/sandboxes', 'TRACE')).toBe(405);
  for (const path of ['/%', '/%ff', '/%E0%A4%A', '*', 'http://evil.example/', 'http://['])
    expect([path, await statusOf(path)]).toEqual([path, 400]);
  for (const path of [
    '/_next/image?url=/x',
    '//_next/image',
    '/_next//image',
    '/_next%2fimage',
    '/_next',
    '/_NEXT/data/x',
  ])
    expect([path, await statusOf(path)]).toEqual([path, 404]);
  for (const path of ['/_next/static/x.js', '/c/local/sandboxes/%2e%2e', '/?q=%ff', '/nextdoor'])
    expect([path, await statusOf(path)]).toEqual([path, 200]);
  const { ask: askInDevelopment } = await startFront({ dev: true });
  expect((await askInDevelopment({}, '/_next/webpack-hmr')).status).toBe(200);
});
