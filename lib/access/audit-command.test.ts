import { spawnSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { bundle } from '../../scripts/lib/build.mjs';
import { inRoot } from '../../scripts/lib/paths.mjs';
import { config } from '../config';
import { database } from '../db/client';
import { setUpDataDir } from '../test-support/environment';
import { someone } from '../test-support/people';
import { noteAccess } from './audit';

setUpDataDir();

beforeAll(() => bundle('lib/access/audit-command.ts', 'build/test-audit.mjs'));

function runCommand(...args: string[]) {
  const env = { ...process.env, SANDKEEPER_DATA_DIR: config().dataDir, DATABASE_URL: config().databaseUrl };
  const { status, stdout, stderr } = spawnSync(process.execPath, [inRoot('build/test-audit.mjs'), ...args], {
    env,
    encoding: 'utf8',
  });
  return { status, text: `${stdout}${stderr}` };
}

it('verifies the audit log beside a server, and fails once an entry has changed', async () => {
  for (let at = 0; at < 3; at += 1)
    await noteAccess(someone('ana'), { kind: 'searched', sandboxKey: 'local/i1' });
  expect(runCommand('verify')).toMatchObject({
    status: 0,
    text: expect.stringMatching(
      /^The audit log is unchanged: 3 entries checked\. The last hash is [0-9a-f]{64}\.\n$/,
    ),
  });
  const db = await database();
  await db.updateTable('access_log').set({ actor: 'li' }).where('seq', '=', 2).execute();
  expect(runCommand('verify')).toMatchObject({
    status: 1,
    text: expect.stringMatching(
      /changed outside Sandkeeper\. Entry 2 .* was changed\. Entries unchanged before it: 1/,
    ),
  });
  expect(runCommand()).toMatchObject({ status: 2, text: expect.stringContaining('npm run audit -- verify') });
});
