import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { database } from '../../db/client';
import { localKey, setUpDataDir, thrownBy } from '../../test-support/environment';
import { claimItems, recordArchive } from '../record/claims';
import { recordNew } from '../test-operations';
import { archiveAddress } from './archive-path';
import { openSavedArchive } from './saved-archive';

const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
process.env.SANDKEEPER_ARCHIVE_DIR = dir;
setUpDataDir();
afterAll(async () => {
  await (await database()).destroy();
  rmSync(dir, { recursive: true, force: true });
});

const folder = join(dir, 'kill-1');
beforeAll(async () => {
  await recordNew(['ikept', 'igone', 'ilink', 'inone', 'iolder'].map(localKey), { id: 'kill-1' });
  await claimItems('kill-1', { owner: 'here', leaseMs: 60_000, max: 5 });
  mkdirSync(folder);
  const files = { ikept: 'local.ikept', igone: 'local.igone', ilink: 'local.ilink', iolder: 'iolder' };
  for (const [id, file] of Object.entries(files)) {
    const saved = { name: `kill-1/${file}.tar.gz`, bytes: 7, entries: 1, leftOut: 0 };
    await recordArchive('here', { operationId: 'kill-1', sandboxKey: localKey(id), saved });
  }
  writeFileSync(join(folder, 'ikept.tar.gz'), 'archive');
  writeFileSync(join(dir, 'secret'), 'not an archive');
  symlinkSync(join(dir, 'secret'), join(folder, 'ilink.tar.gz'));
});

describe('openSavedArchive', () => {
  it('opens an archive that the operation recorded', async () => {
    const { file, bytes, name } = await openSavedArchive('kill-1', 'ikept');
    expect([await file.readFile('utf8'), bytes, name]).toEqual(['archive', 7, 'kill-1/ikept.tar.gz']);
    await file.close();
  });

  it('knows no archive that was not recorded, whatever the directory holds', async () => {
    writeFileSync(join(folder, 'inone.tar.gz'), 'unfinished');
    for (const [operationId, sandboxKey] of [
      ['kill-1', 'inone'],
      ['kill-2', 'ikept'],
      ['..', 'secret'],
      ['kill-1', '../secret'],
    ] as const)
      expect(await thrownBy(() => openSavedArchive(operationId, sandboxKey))).toMatchObject({
        code: 'not_found',
        message: 'This operation saved no archive of this sandbox.',
      });
  });

  it('says that an archive was removed, and follows no symbolic link', async () => {
    for (const sandboxKey of ['igone', 'ilink'])
      expect(await thrownBy(() => openSavedArchive('kill-1', sandboxKey))).toMatchObject({
        code: 'not_found',
        message: 'The archive is no longer in the archive directory of the server.',
      });
    renameSync(folder, `${folder}-moved`);
    symlinkSync(`${folder}-moved`, folder);
    expect(await thrownBy(() => openSavedArchive('kill-1', 'ikept'))).toMatchObject({ code: 'not_found' });
  });
});

it('addresses only archives with a name of ours', () => {
  expect(archiveAddress('kill-1/ikept.tar.gz')).toBe('/api/operations/kill-1/archives/ikept');
  for (const name of ['', 'x.tar.gz', '../x/y.tar.gz', 'a/b/c.tar.gz', 'a/b.zip', 'a/b.tar.gz?x'])
    expect(archiveAddress(name)).toBeNull();
});
