import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serverAction } from '../support/actions';
import { Sandkeeper } from '../support/deployment';
import { ask, callAction, cookieOf, resultIn } from '../support/http';
import { routesOf } from '../support/local';
import { Moru } from '../support/moru';
import { Colleague } from '../support/operations';
import { SmallDisk } from '../support/small-disk';

const RESERVE_MB = 4;
const FULL = /disk_full.*The disk of Sandkeeper's data directory is full\. Ask whoever runs/;

function signIn(sandkeeper: Sandkeeper) {
  const form = new FormData();
  form.set('token', sandkeeper.signInToken);
  return callAction(sandkeeper, serverAction('signIn'), { path: '/sign-in', args: form });
}

test('on a full disk signs in, reads, opens consoles and kills from a reserve, and says what is full', async (context) => {
  const disk = await SmallDisk.open(32);
  if (typeof disk === 'string') return context.skip(disk);
  const sandkeeper = await Sandkeeper.open({
    env: { SANDKEEPER_DATA_DIR: disk.path, SANDKEEPER_DISK_RESERVE_MB: String(RESERVE_MB) },
  });
  try {
    const moru = new Moru(sandkeeper.engine);
    const [first, second, third] = await Promise.all([moru.create(), moru.create(), moru.create()]);
    const { admin } = await sandkeeper.openSessions();
    const colleague = new Colleague(sandkeeper, admin);
    const read = (path: string) => ask(sandkeeper, path, { headers: cookieOf(sandkeeper, admin) });
    const file = (id: string) => read(`${routesOf(id)}/files/content?path=/etc/hostname&as=download`);
    const reserveBytes = () => statSync(join(disk.path, 'disk-reserve')).size;
    expect(reserveBytes()).toBe(RESERVE_MB * 1024 * 1024);

    disk.fill();
    expect(String((await signIn(sandkeeper)).headers['set-cookie'])).toContain(sandkeeper.sessionCookieName);
    expect((await read('/sandboxes')).status).toBe(200);
    expect((await file(first)).status).toBe(200);
    expect(await colleague.openConsole(third)).not.toBe('');
    const killed = await colleague.kill([first], 'to free space');
    await expect
      .poll(async () => JSON.parse((await read(`/api/operations/${killed}`)).text).operation)
      .toMatchObject({ state: 'finished', counts: { done: 1 }, reason: 'to free space' });
    expect((await moru.listIds()).toSorted()).toEqual([second, third].toSorted());
    // A command keeps its output, which may be large.
    await expect(colleague.run(second, 'true')).rejects.toThrow(FULL);
    expect(reserveBytes()).toBeLessThan(RESERVE_MB * 1024 * 1024);

    // Somebody else keeps filling the disk, until the reserve is used up, too.
    for (let round = 0; round < 100 && reserveBytes() > 0; round += 1) {
      disk.fill();
      await signIn(sandkeeper);
    }
    const refused = async () => {
      disk.fill();
      return resultIn(await signIn(sandkeeper))?.error;
    };
    await expect.poll(refused).toMatchObject({
      code: 'disk_full',
      message: expect.stringMatching(/^The disk of Sandkeeper's data directory is full\./),
    });
    await expect(colleague.kill([second])).rejects.toThrow(FULL);
    const unread = await file(second);
    expect([unread.status, unread.text]).toEqual([507, expect.stringMatching(FULL)]);
    expect((await read('/operations')).status).toBe(200);
    expect((await moru.listIds()).toSorted()).toEqual([second, third].toSorted());

    disk.free();
    expect((await signIn(sandkeeper)).headers['set-cookie']).toBeDefined();
    await colleague.runToEnd(second, 'true');
    expect(reserveBytes()).toBe(RESERVE_MB * 1024 * 1024);
    expect(sandkeeper.log()).not.toContain('An unexpected error');
  } finally {
    await sandkeeper.close();
    await disk.close();
  }
});
