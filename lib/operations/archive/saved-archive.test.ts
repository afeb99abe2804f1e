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
  writeFileSync(join(folder, 'local.ikept.tar.gz'), 'archive');
  writeFileSync(join(dir, 'secret'), 'not an archive');
  symlinkSync(join(dir, 'secret'), join(folder, 'local.ilink.tar.gz'));
  writeFileSync(join(folder, 'iolder.tar.gz'), 'older');
});

describe('openSavedArchive', () => {
  it('opens an archive that the operation recorded', async () => {
    const { file, ...saved } = await openSavedArchive('kill-1', 'local.ikept');
    expect(await file.readFile('utf8')).toBe('archive');
    expect(saved).toEqual({ bytes: 7, name: 'kill-1/local.ikept.tar.gz', sandboxKey: 'local/ikept' });
    await file.close();
  });

  it('opens an archive of an earlier version, which named no connection', async () => {
    const { file, ...saved } = await openSavedArchive('kill-1', 'iolder');
    expect(await file.readFile('utf8')).toBe('older');
    expect(saved).toEqual({ bytes: 5, name: 'kill-1/iolder.tar.gz', sandboxKey: 'local/iolder' });
    await file.close();
  });

  it('knows no archive that was not recorded, whatever the directory holds', async () => {
    writeFileSync(join(folder, 'local.inone.tar.gz'), 'unfinished');
    for (const [operationId, fileName] of [
      ['kill-1', 'local.inone'],
      ['kill-1', 'other.ikept'],
      ['kill-1', 'ikept'],
      ['kill-2', 'local.ikept'],
      ['..', 'secret'],
      ['kill-1', '../secret'],
      ['kill-1', 'local.%'],
    ] as const)
      expect(await thrownBy(() => openSavedArchive(operationId, fileName))).toMatchObject({
        code: 'not_found',
        message: 'This operation saved no such archive.',
      });
  });

  it('says that an archive was removed, and follows no symbolic link', async () => {
    for (const fileName of ['local.igone', 'local.ilink'])
      expect(await thrownBy(() => openSavedArchive('kill-1', fileName))).toMatchObject({
        code: 'not_found',
        message: 'The archive is no longer in the archive directory of the server.',
      });
    renameSync(folder, `${folder}-moved`);
    symlinkSync(`${folder}-moved`, folder);
    expect(await thrownBy(() => openSavedArchive('kill-1', 'local.ikept'))).toMatchObject({
      code: 'not_found',
    });
  });
});

it('addresses only archives with a name of ours', () => {
  expect(archiveAddress('kill-1/local.ikept.tar.gz')).toBe('/api/operations/kill-1/archives/local.ikept');
  expect(archiveAddress('kill-1/iolder.tar.gz')).toBe('/api/operations/kill-1/archives/iolder');
  for (const name of [
    '',
    'x.tar.gz',
    '../x/y.tar.gz',
    'a/b/c.tar.gz',
    'a/b.zip',
    'a/b.c.d.tar.gz',
    'a/.b.tar.gz',
    'a/b.tar.gz?x',
  ])
    expect(archiveAddress(name)).toBeNull();
});
