import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { removeTree } from '../../lib/test-support/remove-tree';
import { EngineProcess, Sandkeeper } from '../support/deployment';
import { ask, cookieOf } from '../support/http';
import { pageOf } from '../support/local';
import { Moru } from '../support/moru';
import { expect, test } from './fixtures';

/** `/sandboxes/ID`, the page of a sandbox while there was one connection. */

const UNKNOWN = 'i00000000000000000000';

test('lead to the page below the connection, with their tab and query', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  const id = await moru.create();
  const locationOf = async (path: string) => {
    const { status, headers } = await ask(sandkeeper, path, {
      headers: cookieOf(sandkeeper, sessions.viewer),
    });
    return status === 307 ? headers.location : status;
  };
  for (const rest of [
    '',
    '/files',
    '/files?path=%2Fetc&file=%2Fetc%2Fhostname',
    '/run?run=abc',
    '/console?console=x&console=y',
    '/processes',
  ]) {
    expect(await locationOf(`/sandboxes/${id}${rest}`), rest).toBe(`${pageOf(id)}${rest}`);
  }
  // The page of the only connection says that there is no such sandbox.
  expect(await locationOf(`/sandboxes/${UNKNOWN}`)).toBe(pageOf(UNKNOWN));
  for (const invalid of ['a.b', '%2e%2e%2fx', 'x'.repeat(65), '%00'])
    expect(await locationOf(`/sandboxes/${invalid}`), invalid).toBe(404);
});

/**
 * Starts Sandkeeper with the local engine, and with two connections that both lead to another engine, so that each of its
 * sandboxes is in both.
 */
async function openSeveral(): Promise<{ sandkeeper: Sandkeeper; other: EngineProcess }> {
  const dir = await mkdtemp(join(tmpdir(), 'sandkeeper-connections-'));
  onTestFinished(() => removeTree(dir));
  const other = new EngineProcess(join(dir, 'engine'), 100);
  onTestFinished(() => other.stop());
  await other.start();
  const file = join(dir, 'connections.json');
  const connections = ['moru', 'twin'].map((name) => ({
    name,
    kind: 'moru',
    apiUrl: other.url,
    sandboxUrl: other.url,
    key: other.apiKey,
  }));
  await writeFile(file, JSON.stringify({ connections }));
  const sandkeeper = await Sandkeeper.open({
    env: { SANDKEEPER_CONNECTIONS: file, SANDKEEPER_LOCAL_ENGINE: 'on' },
  });
  onTestFinished(() => sandkeeper.close());
  return { sandkeeper, other };
}

test('lead to the right one of several connections, and offer a choice where two have the ID', {
  timeout: 120_000,
}, async () => {
  const { sandkeeper, other } = await openSeveral();
  const { viewer } = await sandkeeper.openSessions();
  const open = (path: string) => ask(sandkeeper, path, { headers: cookieOf(sandkeeper, viewer) });
  const local = await new Moru(sandkeeper.engine).create();
  const shared = await new Moru(other).create();

  expect((await open(`/sandboxes/${local}/files?path=%2Fetc`)).headers.location).toBe(
    `${pageOf(local)}/files?path=%2Fetc`,
  );
  // Until both connections have listed it, the services are asked.
  const choice = await open(`/sandboxes/${shared}`);
  expect(choice.status).toBe(200);
  expect(choice.text).toContain('Several connections have this ID');
  for (const name of ['moru', 'twin'])
    expect(choice.text, name).toContain(`href="/c/${name}/sandboxes/${shared}"`);
  expect(choice.text).not.toContain(`href="${pageOf(shared)}"`);
  expect((await open(`/sandboxes/${UNKNOWN}`)).status).toBe(404);

  const search = async (id: string) => JSON.parse((await open(`/api/sandboxes/${id}`)).text);
  expect(await search(local)).toEqual({ found: [{ key: `local/${local}`, kind: 'listed' }], unasked: [] });
  expect(await search(UNKNOWN)).toEqual({ found: [], unasked: [] });
  await new Moru(sandkeeper.engine).kill(local);
  await expect
    .poll(() => search(local), { timeout: 30_000 })
    .toEqual({ found: [{ key: `local/${local}`, kind: 'ended' }], unasked: [] });
  await other.stop();
  const unasked = ['moru', 'twin'];
  await expect.poll(() => search(UNKNOWN), { timeout: 30_000 }).toEqual({ found: [], unasked });
  expect((await open('/api/sandboxes/a.b')).status).toBe(400);
});
