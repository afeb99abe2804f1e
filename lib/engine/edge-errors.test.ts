import { expect, test } from 'vitest';
import { send, startTestEngine } from './test-engine';

const BROWSER =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';

async function startWithSandbox(body: Record<string, unknown> = {}) {
  const engine = await startTestEngine();
  const id = await engine.create(body);
  const visit = (agent: string, port = 3000) =>
    send(engine.port, 'GET', '/', undefined, {
      host: `${port}-${id}.localhost:${engine.port}`,
      'user-agent': agent,
    });
  return { engine, id, visit };
}

test('answers browsers with a page that says what to do, and others with JSON', async () => {
  const { engine, id, visit } = await startWithSandbox();
  const closed = await visit(BROWSER);
  expect(closed).toMatchObject({ status: 502, headers: { 'content-type': 'text/html; charset=utf-8' } });
  expect(closed.text).toContain('<title>Closed Port Error</title>');
  expect(closed.text).toContain(`Sandbox ${id} is running, but no server listens on port 3000.`);
  expect(closed.headers['content-security-policy']).toContain("default-src 'none'");
  expect((await visit('node')).json).toEqual({
    ...{ sandboxId: id, port: 3000, code: 502 },
    message: 'The sandbox is running but port is not open',
  });

  await engine.call('POST', `/sandboxes/${id}/pause`);
  const gone = await visit(BROWSER);
  expect(gone.status).toBe(502);
  expect(gone.text).toContain('<title>Sandbox Not Found</title>');
  expect(gone.text).toContain('Resume it and reload this page.');
  expect((await visit('curl/8.5')).json).toEqual({
    ...{ sandboxId: id, code: 502 },
    message: 'The sandbox was not found',
  });
});

test('tells browsers that a sandbox needs its traffic access token', async () => {
  const { visit } = await startWithSandbox({ secure: true, network: { allowPublicTraffic: false } });
  const refused = await visit(BROWSER);
  expect(refused.status).toBe(403);
  expect(refused.text).toContain('<title>Missing Traffic Access Token</title>');
});
