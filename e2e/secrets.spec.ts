import { gunzipSync } from 'node:zlib';
import { expect, test } from './support/fixtures';
import { ask, cookieOf, openLive } from './support/http';
import { FLEET_ROUTE, LOCAL, pageOf } from './support/local';
import {
  acceptResume,
  askToKill,
  chooseRowAction,
  expectRow,
  lookAway,
  openFleet,
} from './support/vocabulary';

test('sends no key or token in any page, response or frame', async ({
  page,
  sandkeeper,
  moru,
  sessions,
  signIn,
}) => {
  const id = await moru.create({ metadata: { owner: 'ana' } });
  const gone = await moru.create();
  const detail: { envdAccessToken?: string } = JSON.parse((await moru.ask('GET', `/sandboxes/${id}`)).body);
  const woken = await moru.ask('POST', `/sandboxes/${id}/connect`, { timeout: 600 });
  const started: { envdAccessToken?: string; trafficAccessToken?: string | null } = JSON.parse(woken.body);
  const secrets = [
    sandkeeper.engine.apiKey,
    sandkeeper.engine.apiKey.replace('moru_', ''),
    sandkeeper.signInToken,
    detail.envdAccessToken,
    started.envdAccessToken,
    started.trafficAccessToken,
  ].filter((secret): secret is string => typeof secret === 'string');
  expect(secrets.length).toBeGreaterThanOrEqual(5);
  const expectNone = (text: string, where: string) => {
    for (const secret of secrets) expect(text.includes(secret), where).toBe(false);
  };

  const live = await openLive(sandkeeper, {
    origin: sandkeeper.url,
    ...cookieOf(sandkeeper, sessions.admin),
  });
  live.send({ type: 'subscribe', channel: 'fleet', key: LOCAL });
  for (const channel of ['connections', 'operations']) live.send({ type: 'subscribe', channel });

  // Everything that the browser receives during the actions below.
  const received: Promise<void>[] = [];
  page.on('response', (answer) => {
    const check = answer
      .body()
      .then((body) => expectNone(body.toString('utf8'), answer.url()))
      .catch((error: Error) => {
        if (!/No (data|resource)|navigated away|redirect/i.test(error.message)) throw error;
      });
    received.push(check);
  });
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => expectNone(payload.toString(), socket.url())),
  );
  await signIn(page);
  await openFleet(page);
  await chooseRowAction(page, id, 'Pause');
  await expect(page.getByRole('row', { name: id })).toContainText('Paused');
  await chooseRowAction(page, id, 'Resume…');
  await acceptResume(page);
  await expect(page.getByRole('row', { name: id })).toContainText('Running');
  await (await askToKill(page, gone)).getByRole('button', { name: 'Kill sandbox' }).click();
  await lookAway(page);
  await expect(page.getByRole('row', { name: gone })).toHaveCount(0);
  for (const shown of [id, gone]) {
    await page.goto(pageOf(shown));
    await expect(page.getByRole('heading', { name: shown })).toBeVisible();
  }
  await page.goto('/operations');
  await page.getByRole('link', { name: `Kill ${gone}` }).click();
  await expect(page.getByRole('heading', { name: `Kill ${gone}` })).toBeVisible();
  const operation = new URL(page.url()).pathname;
  await Promise.all(received);
  expect(received.length).toBeGreaterThan(10);

  expect(live.frames.join()).toContain(id);
  expectNone(live.frames.join(), '/live');
  live.close();

  const headers = cookieOf(sandkeeper, sessions.admin);
  for (const path of [
    '/sandboxes',
    pageOf(id),
    pageOf(gone),
    '/sign-in',
    '/api/session',
    `/api/c/${LOCAL}/templates`,
    '/operations',
    operation,
    `/api${operation}`,
    `/api${operation}/items?format=csv`,
    `/api${operation}/items?format=json`,
    '/nowhere',
  ]) {
    expectNone((await ask(sandkeeper, path, { headers })).text, path);
  }
  const snapshot = gunzipSync((await ask(sandkeeper, FLEET_ROUTE, { headers })).body).toString('utf8');
  expect(snapshot).toContain(id);
  expectNone(snapshot, FLEET_ROUTE);
});

test('shows the words of the service without its key', async ({ page, sandkeeper, moru, signIn }) => {
  const id = await moru.create();
  await signIn(page);
  await openFleet(page);
  await expectRow(page, id);
  const secretWords = `key ${sandkeeper.engine.apiKey} at 10.0.0.1`;
  await moru.addFault({ route: 'POST /sandboxes/*/pause', status: 500, message: secretWords });
  await moru.addFault({ route: 'GET /v2/sandboxes', status: 503, message: secretWords });
  await chooseRowAction(page, id, 'Pause');
  await expect(page.getByText(`Could not pause ${id}`)).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: 'What you see is' })).toBeVisible();
  await expect(page.getByText('at 10.0.0.1')).toBeVisible();
  expect(await page.content()).not.toContain(sandkeeper.engine.apiKey);
});
