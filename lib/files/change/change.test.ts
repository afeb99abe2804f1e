import fs from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SandboxKey } from '../../sandbox-key';
import { setUpEngine, thrownBy } from '../../test-support/environment';
import { someone } from '../../test-support/people';
import { auditLog, newSandbox } from '../test-file-server';
import { createFolder, deleteAll, renameAt } from './change';
import { changeRefusal, EntryName } from './names';

const ANA = someone('ana');
const engine = setUpEngine({ withFiles: true });
let key: SandboxKey;
let root: string;

beforeAll(async () => {
  ({ key, root } = await newSandbox(engine));
});

const names = (path: string) => fs.readdirSync(`${root}${path}`).sort();

describe('a change of entries', () => {
  it('creates a folder unless the name is taken', async () => {
    fs.mkdirSync(`${root}/data/new`);
    fs.writeFileSync(`${root}/data/new/file`, 'kept');
    expect(await createFolder(ANA, key, '/data/new', 'ü folder')).toMatchObject({
      path: '/data/new/ü folder',
      kind: 'directory',
    });
    for (const taken of ['ü folder', 'file'])
      expect(await thrownBy(() => createFolder(ANA, key, '/data/new', taken))).toMatchObject({
        code: 'conflict',
        message: 'Something of this name already exists.',
      });
    expect(fs.readFileSync(`${root}/data/new/file`, 'utf8')).toBe('kept');
    expect(names('/data/new')).toEqual(['file', 'ü folder']);
  });

  it('renames a file, a folder and a link, and never replaces anything', async () => {
    fs.mkdirSync(`${root}/data/old/folder/below`, { recursive: true });
    fs.writeFileSync(`${root}/data/old/file`, 'file');
    fs.writeFileSync(`${root}/data/old/other`, 'other');
    fs.symlinkSync('file', `${root}/data/old/link`);
    for (const name of ['file', 'folder', 'link'])
      expect(await renameAt(ANA, key, `/data/old/${name}`, `${name} 2`)).toMatchObject({ name: `${name} 2` });
    expect(await thrownBy(() => renameAt(ANA, key, '/data/old/other', 'file 2'))).toMatchObject({
      code: 'conflict',
    });
    expect(await thrownBy(() => renameAt(ANA, key, '/data/old/nothing', 'x'))).toMatchObject({
      problem: 'vanished',
    });
    expect(names('/data/old')).toEqual(['file 2', 'folder 2', 'link 2', 'other']);
    expect(fs.readlinkSync(`${root}/data/old/link 2`)).toBe('file');
    expect(fs.readFileSync(`${root}/data/old/file 2`, 'utf8')).toBe('file');
  });

  it('deletes folders with their content, and links without their target', async () => {
    fs.mkdirSync(`${root}/data/gone/folder/below`, { recursive: true });
    fs.mkdirSync(`${root}/data/gone/kept`);
    fs.writeFileSync(`${root}/data/gone/kept/file`, 'kept');
    fs.symlinkSync('kept', `${root}/data/gone/link`);
    const paths = ['folder', 'link', 'never-there'].map((name) => `/data/gone/${name}`);
    expect(await deleteAll(ANA, key, paths)).toEqual({ deleted: 3, failures: [] });
    expect(names('/data/gone')).toEqual(['kept']);
    expect(names('/data/gone/kept')).toEqual(['file']);
  });

  it('goes on after an entry that cannot be deleted', async () => {
    fs.writeFileSync(`${root}/data/last`, '');
    fs.writeFileSync(`${root}/data/first`, '');
    await engine.fault({ route: 'POST /filesystem.Filesystem/Remove', status: 403, count: 1 });
    expect(await deleteAll(ANA, key, ['/data/first', '/data/last'])).toEqual({
      deleted: 1,
      failures: [{ path: '/data/first', message: expect.stringMatching(/^first: /) }],
    });
    expect(fs.existsSync(`${root}/data/first`)).toBe(true);
    expect(fs.existsSync(`${root}/data/last`)).toBe(false);
  });

  it('is refused for the folders at the top', async () => {
    for (const path of ['/', '/usr', '/data/', '/data/../usr', '/./usr']) {
      expect(changeRefusal(path), path).not.toBeNull();
      expect(await thrownBy(() => deleteAll(ANA, key, ['/data/kept', path]))).toMatchObject({
        code: 'invalid',
      });
      expect(await thrownBy(() => renameAt(ANA, key, path, 'x'))).toMatchObject({ code: 'invalid' });
    }
    expect(fs.existsSync(`${root}/data`)).toBe(true);
  });

  it('is refused while the sandbox is paused', async () => {
    const { id: paused, key: keyOfPaused } = await newSandbox(engine);
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    expect(await thrownBy(() => createFolder(ANA, keyOfPaused, '/data', 'x'))).toMatchObject({
      problem: 'not_running',
    });
    expect(await auditLog(keyOfPaused)).toEqual([]);
  });

  it('is recorded with the name of the person', async () => {
    const { key: one, root: its } = await newSandbox(engine);
    fs.writeFileSync(`${its}/data/a`, '');
    await createFolder(ANA, one, '/data', 'folder');
    await renameAt(ANA, one, '/data/a', 'b');
    await deleteAll(ANA, one, ['/data/b', '/data/folder']);
    expect(await auditLog(one)).toEqual([
      'folder-created /data/folder',
      'file-renamed /data/a',
      'file-deleted /data/b',
      'file-deleted /data/folder',
    ]);
  });
});

it('accepts names that people can tell', () => {
  for (const name of ['a', 'ü 中', '.hidden', '-rf', 'a b.tar.gz', '👩‍💻'])
    expect(EntryName.safeParse(name).success, name).toBe(true);
  for (const name of ['', '.', '..', 'a/b', 'a\0', ' a', 'a ', 'a\nb', 'exe\u202Egpj', 'x'.repeat(256)])
    expect(EntryName.safeParse(name).success, JSON.stringify(name)).toBe(false);
});
