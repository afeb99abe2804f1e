import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseServerFrame } from '../../lib/live/protocol';
import { serverAction } from '../support/actions';
import { ask, callAction, cookieOf, openLive } from '../support/http';
import { localKey } from '../support/local';
import { ROOT } from '../support/processes';
import { expect, test } from './fixtures';

const build = readFileSync(join(ROOT, '.next/BUILD_ID'), 'utf8').trim();

test('names its build first on every socket, and with the session', async ({ sandkeeper, sessions }) => {
  const signedIn = cookieOf(sandkeeper, sessions.viewer);
  const live = await openLive(sandkeeper, { ...signedIn, origin: sandkeeper.url }, { keepsAll: true });
  await expect.poll(() => live.frames.length).toBeGreaterThan(1);
  live.close();
  expect(live.frames.slice(0, 2).map(parseServerFrame)).toEqual([{ type: 'hello', build }, { type: 'beat' }]);
  const { text } = await ask(sandkeeper, '/api/session', { headers: signedIn });
  expect(JSON.parse(text)).toMatchObject({
    build,
    actor: 'viewer',
    grants: { everywhere: 'viewer', on: {} },
  });
});

test('refuses an action of another build so that the page knows it was not done', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  const id = await moru.create();
  const known = serverAction('operate').id;
  const answer = await callAction(
    sandkeeper,
    { name: 'operate', id: `${known.slice(0, 2)}${'0'.repeat(known.length - 2)}` },
    {
      path: '/sandboxes',
      args: [{ act: 'pause', sandboxKeys: [localKey(id)], filter: '' }],
      headers: cookieOf(sandkeeper, sessions.admin),
    },
  );
  expect(answer.status).toBe(409);
  // The client of Next.js turns this header into the error that `answerOf` recognizes.
  expect(answer.headers['x-nextjs-action-not-found']).toBe('1');
  expect(await moru.stateOf(id)).toBe('running');
});
