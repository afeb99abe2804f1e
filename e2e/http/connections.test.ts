import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { removeTree } from '../../lib/test-support/remove-tree';
import { serverAction } from '../support/actions';
import { Sandkeeper } from '../support/deployment';
import { ask, callAction, cookieOf, openLive, resultIn } from '../support/http';

const NAME = 'second';
const PAGE = `/settings/connections/${NAME}`;

test('a stored key and its sealed form are in no page, response, frame, record or log', {
  timeout: 180_000,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sandkeeper-keys-'));
  onTestFinished(() => removeTree(dataDir));
  const sandkeeper = await Sandkeeper.open({ env: { SANDKEEPER_DATA_DIR: dataDir } });
  onTestFinished(() => sandkeeper.close());
  const { admin, operator } = await sandkeeper.openSessions();
  const headers = cookieOf(sandkeeper, admin);
  // The engine accepts its secret behind another prefix, too.
  const secret = sandkeeper.engine.apiKey.replace(/^[a-z0-9]+_/, '');
  const entered = {
    kind: 'moru',
    name: NAME,
    title: 'Second',
    label: '2',
    apiUrl: sandkeeper.engine.url,
    domain: '',
    sandboxUrl: sandkeeper.engine.url,
    teamId: '',
    key: `moru_${secret}`,
  };
  const received: string[] = [];
  const act = async (name: string, path: string, args: unknown[]) => {
    const answer = await callAction(sandkeeper, serverAction(name), { path, args, headers });
    received.push(answer.text);
    expect(resultIn(answer), `${name}: ${answer.text.slice(0, 300)}`).toMatchObject({ ok: true });
  };
  const live = await openLive(sandkeeper, { origin: sandkeeper.url, ...headers });
  onTestFinished(() => live.close());
  for (const channel of ['connections', 'operations']) live.send({ type: 'subscribe', channel });

  await act('tryConnection', '/settings/connections', [entered]);
  await act('addOneConnection', '/settings/connections', [entered]);
  live.send({ type: 'subscribe', channel: 'fleet', key: NAME });
  await expect.poll(() => live.frames.filter((frame) => frame.includes(NAME)).length).toBeGreaterThan(0);
  await act('checkOneConnection', PAGE, [NAME]);
  await act('editOneConnection', PAGE, [{ version: 1, entered: { ...entered, title: 'Renamed', key: '' } }]);
  const sealedBefore = sealedIn(dataDir);
  await act('replaceConnectionKey', PAGE, [{ name: NAME, version: 2, key: `e2b_${secret}` }]);
  const sealedAfter = sealedIn(dataDir);
  expect(sealedAfter).not.toBe(sealedBefore);

  for (const session of [admin, operator]) {
    for (const path of [
      '/settings/connections',
      PAGE,
      '/sandboxes',
      '/operations/access',
      '/api/access',
      '/api/session',
      `/api/c/${NAME}/templates`,
    ])
      received.push((await ask(sandkeeper, path, { headers: cookieOf(sandkeeper, session) })).text);
  }
  const snapshot = await ask(sandkeeper, `/api/fleet/${NAME}`, { headers });
  received.push(gunzipSync(snapshot.body).toString('utf8'), live.frames.join(), sandkeeper.log());
  const all = received.join('\n');
  expect(all).toContain('Renamed');
  expect(all).toContain(`••••${secret.slice(-4)}`);
  for (const hidden of [secret, sealedBefore, sealedAfter]) {
    expect(hidden.length).toBeGreaterThan(20);
    expect(all.includes(hidden)).toBe(false);
  }

  await act('removeOneConnection', PAGE, [{ name: NAME, version: 3, typed: NAME }]);
  expect(sealedIn(dataDir)).toBe('');
  expect((await ask(sandkeeper, PAGE, { headers })).text).toContain('Connection not found');
  expect((await ask(sandkeeper, '/api/access', { headers })).text).toContain(`connection-removed,${NAME}`);
});

/** The sealed key in the database. */
function sealedIn(dataDir: string): string {
  const database = new Database(join(dataDir, 'sandkeeper.db'));
  const row = database.prepare('select sealed_key from connections where name = ?').get(NAME);
  database.close();
  return (row as { sealed_key: string }).sealed_key;
}
