import { ask, cookieOf } from '../support/http';
import { FLEET_ROUTE, pageOf } from '../support/local';
import { expect, test } from './fixtures';

test('sends the security headers with every response', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const headers = cookieOf(sandkeeper, sessions.viewer);
  const page = await ask(sandkeeper, '/sandboxes', { headers });
  const asset = /\/_next\/static\/[^"]+\.js/.exec(page.text)?.[0] ?? '/missing.js';
  const paths = [
    '/sandboxes',
    pageOf(id),
    `/sandboxes/${id}`,
    '/operations',
    '/operations/none',
    '/sign-in',
    FLEET_ROUTE,
    '/api/fleet/none',
    '/api/health',
    '/api/operations/none',
    '/api/operations/none/items?format=csv',
    '/nowhere',
    '/api/nowhere',
    '/_next/static/nowhere.js',
    '/favicon.svg',
    '/site.webmanifest',
    '/robots.txt',
    asset,
  ];
  const nonces = new Set<string>();
  for (const path of paths) {
    const answer = await ask(sandkeeper, path, { headers });
    const policy = String(answer.headers['content-security-policy']);
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
    nonces.add(nonce);
    expect(answer.headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answer.headers['referrer-policy'], path).toMatch(/^(same-origin|no-referrer)$/);
    expect(answer.headers['x-powered-by'], path).toBeUndefined();
    expect(policy, path).toContain("frame-ancestors 'none'");
    expect(policy, path).toContain("object-src 'none'");
    expect(policy, path).toContain("base-uri 'none'");
    const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
    expect(scripts, path).toContain(`'nonce-${nonce}'`);
    expect(scripts, path).not.toContain('unsafe');
  }
  expect(nonces.size).toBe(paths.length);
});

test('gives every script of a page the nonce of its response', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const path of [
    '/sandboxes',
    pageOf(id),
    pageOf('i00000000000000000000'),
    '/operations',
    '/operations/none',
    '/sign-in?token=x',
    '/nowhere',
  ]) {
    const answer = await ask(sandkeeper, path, {
      headers: path.startsWith('/sign-in') ? {} : cookieOf(sandkeeper, sessions.viewer),
    });
    const nonce = /'nonce-([^']+)'/.exec(String(answer.headers['content-security-policy']))?.[1];
    const scripts = answer.text.match(/<script\b[^>]*>/g) ?? [];
    expect(scripts.length, path).toBeGreaterThan(0);
    for (const script of scripts) expect(script, path).toContain(`nonce="${nonce}"`);
  }
});
