import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDirectory, moveEntry } from './directories';
import { measureDirectory } from './disk-use';
import { listEntries, readEntry } from './entries';
import { openForRead, openForWrite } from './files';
import type { GuestRoot } from './guest-root';
import { removeEntry, removeHostDirectory } from './remove';
import { withPlace } from './walk';

let base = '';
let root: GuestRoot;
const inside = (path: string) => join(root.rootDir, path);

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), 'safe-fs-'));
  const rootDir = join(base, 'root');
  fs.mkdirSync(join(rootDir, 'home/user'), { recursive: true });
  fs.writeFileSync(join(base, 'secret'), 'host secret');
  const isRoot = process.getuid?.() === 0;
  root = {
    rootDir,
    uid: isRoot ? 234_567 : (process.getuid?.() ?? 0),
    gid: isRoot ? 234_567 : (process.getgid?.() ?? 0),
    users: [],
  };
});

afterEach(() => {
  fs.rmSync(base, { recursive: true, force: true });
});

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;

async function readAll(path: string): Promise<string> {
  const file = await openForRead(root, path);
  try {
    const buffer = Buffer.alloc(file.sizeBytes);
    return buffer.subarray(0, await file.read(buffer, 0, buffer.length)).toString();
  } finally {
    file.close();
  }
}

async function writeAll(path: string, text: string): Promise<void> {
  const file = await openForWrite(root, path);
  try {
    await file.write(Buffer.from(text));
  } finally {
    await file.close();
  }
}

describe('path resolution', () => {
  it('keeps `..` inside the root', async () => {
    for (const path of ['/../secret', '/home/../../secret', '/home/user/../../../../../../secret']) {
      await expect(readAll(path), path).rejects.toMatchObject({ code: 'ENOENT' });
    }
  });

  it('resolves links against the root', async () => {
    fs.writeFileSync(inside('home/user/a'), 'mine');
    fs.symlinkSync('/home/user/a', inside('absolute'));
    fs.symlinkSync('../../../../home/user/a', inside('home/user/climbing'));
    fs.symlinkSync(join(base, 'secret'), inside('outside'));
    fs.symlinkSync('..', inside('home/up'));
    expect(await readAll('/absolute')).toBe('mine');
    expect(await readAll('/home/user/climbing')).toBe('mine');
    expect(await readAll('/home/up/absolute')).toBe('mine');
    await expect(readAll('/outside')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('fails with the error codes of the kernel', async () => {
    fs.writeFileSync(inside('file'), '');
    fs.symlinkSync('loop', inside('loop'));
    const failing = {
      '/missing': 'ENOENT',
      '/missing/x': 'ENOENT',
      '/file/x': 'ENOTDIR',
      '/file/': 'ENOTDIR',
      '/loop': 'ELOOP',
      '/loop/x': 'ELOOP',
      '/home': 'EISDIR',
      '/': 'EISDIR',
      '/a\0b': 'EINVAL',
      [`/${'n'.repeat(4000)}`]: 'ENAMETOOLONG',
      [`/${'n/'.repeat(3000)}`]: 'ENAMETOOLONG',
    };
    const before = openDescriptors();
    for (const [path, code] of Object.entries(failing)) {
      await expect(readAll(path), path.slice(0, 20)).rejects.toMatchObject({ name: 'SafeFsError', code });
    }
    expect(openDescriptors()).toBe(before);
  });

  it('leaves host paths out of error messages', async () => {
    await expect(readAll('/missing')).rejects.toThrow(/^no such file or directory: \/missing$/);
  });

  it('returns the resolved path', async () => {
    fs.mkdirSync(inside('real/deep'), { recursive: true });
    fs.symlinkSync('/real', inside('link'));
    const resolved = await withPlace(
      root,
      '/home/../link/./deep/..',
      {},
      async (place) => place.resolvedPath,
    );
    expect(resolved).toBe('/real');
  });
});

describe('files', () => {
  it('overwrites in place, creates missing parents and sets the owner', async () => {
    await writeAll('/home/user/new/dir/ä.txt', 'one');
    const before = fs.statSync(inside('home/user/new/dir/ä.txt'));
    fs.chmodSync(inside('home/user/new/dir/ä.txt'), 0o600);
    await writeAll('/home/user/new/dir/ä.txt', 'two!');
    const after = fs.statSync(inside('home/user/new/dir/ä.txt'));
    expect(fs.readFileSync(inside('home/user/new/dir/ä.txt'), 'utf8')).toBe('two!');
    expect(before.mode & 0o7777).toBe(0o644);
    expect(after).toMatchObject({ ino: before.ino, uid: root.uid, gid: root.gid });
    expect(after.mode & 0o7777).toBe(0o600);
    const made = fs.statSync(inside('home/user/new/dir'));
    expect(made).toMatchObject({ uid: root.uid });
    expect(made.mode & 0o7777).toBe(0o755);
  });

  it('creates the target of a broken link inside the root', async () => {
    fs.symlinkSync(join(base, 'planted'), inside('link'));
    await writeAll('/link', 'text');
    expect(fs.existsSync(join(base, 'planted'))).toBe(false);
    expect(fs.readFileSync(inside(join(base, 'planted')), 'utf8')).toBe('text');
  });

  it('rejects FIFOs and directories without blocking', async () => {
    execFileSync('mkfifo', [inside('fifo')]);
    await expect(readAll('/fifo')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(writeAll('/fifo', 'x')).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(writeAll('/home', 'x')).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(writeAll('/new/', 'x')).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('directories', () => {
  it('creates a directory and its parents once', async () => {
    expect(await makeDirectory(root, '/a/b/c')).toBe(true);
    expect(await makeDirectory(root, '/a/b/c')).toBe(false);
    expect(fs.statSync(inside('a/b/c')).uid).toBe(root.uid);
    fs.writeFileSync(inside('file'), '');
    await expect(makeDirectory(root, '/file')).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeDirectory(root, '/file/x')).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('moves entries and replaces existing ones', async () => {
    fs.writeFileSync(inside('a'), 'a');
    fs.writeFileSync(inside('b'), 'b');
    await moveEntry(root, '/a', '/b');
    await moveEntry(root, '/b', '/new/place/c');
    expect(fs.readFileSync(inside('new/place/c'), 'utf8')).toBe('a');
    await expect(moveEntry(root, '/a', '/d')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(moveEntry(root, '/', '/d')).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(moveEntry(root, '/home', '/home/user/x')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('removes a tree without following links', async () => {
    fs.mkdirSync(inside('tree/sub'), { recursive: true });
    fs.writeFileSync(Buffer.from(`${inside('tree/sub/')}\xff\xfe`, 'latin1'), 'not UTF-8');
    fs.symlinkSync('/home', inside('tree/link'));
    fs.symlinkSync(base, inside('tree/outside'));
    await removeEntry(root, '/tree');
    await removeEntry(root, '/tree');
    await removeEntry(root, '/no/such/parent');
    expect(fs.existsSync(inside('tree'))).toBe(false);
    expect(fs.existsSync(inside('home/user'))).toBe(true);
    expect(fs.existsSync(join(base, 'secret'))).toBe(true);
    await expect(removeEntry(root, '/')).rejects.toMatchObject({ code: 'EBUSY' });
    await expect(removeEntry(root, '/home/..')).rejects.toMatchObject({ code: 'EBUSY' });
  });

  it('measures and removes a tree deeper than PATH_MAX with few descriptors', async () => {
    const levels = 500;
    const script = `import os
os.chdir(${JSON.stringify(root.rootDir)})
for i in range(${levels}):
    os.mkdir("directory")
    os.chdir("directory")
open("f", "w").write("x" * 10000)`;
    execFileSync('python3', ['-c', script]);
    const before = openDescriptors();
    expect(await measureDirectory(root.rootDir)).toBeGreaterThan(10_000);
    const listed = await listEntries(root, '/', 0xffff_ffff);
    expect(listed.length).toBeGreaterThan(400);
    await removeHostDirectory(root.rootDir);
    await removeHostDirectory(root.rootDir);
    expect(fs.existsSync(root.rootDir)).toBe(false);
    expect(await measureDirectory(root.rootDir)).toBe(0);
    expect(openDescriptors()).toBe(before);
  });

  it('measures allocated blocks and counts hard links once', async () => {
    fs.writeFileSync(inside('a'), Buffer.alloc(1_000_000, 1));
    fs.linkSync(inside('a'), inside('b'));
    fs.writeFileSync(inside('sparse'), '');
    fs.truncateSync(inside('sparse'), 1_000_000_000);
    const used = await measureDirectory(root.rootDir);
    expect(used).toBeGreaterThanOrEqual(1_000_000);
    expect(used).toBeLessThan(1_100_000);
  });
});

describe('entries', () => {
  it('lists depth first, in byte order, to the requested depth', async () => {
    for (const path of ['t/b/z', 't/b/a', 't/c.txt', 't/B', 't/a/x/y']) {
      fs.mkdirSync(join(inside(path), '..'), { recursive: true });
      fs.writeFileSync(inside(path), '');
    }
    fs.symlinkSync('/t', inside('link'));
    const paths = async (path: string, depth: number) =>
      (await listEntries(root, path, depth)).map((entry) => entry.path);
    expect(await paths('/t', 1)).toEqual(['/t/B', '/t/a', '/t/b', '/t/c.txt']);
    expect(await paths('/link', 2)).toEqual([
      '/link/B',
      '/link/a',
      '/link/a/x',
      '/link/b',
      '/link/b/a',
      '/link/b/z',
      '/link/c.txt',
    ]);
    await expect(paths('/t/c.txt', 1)).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(paths('/missing', 1)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('resolves the target of a link', async () => {
    fs.writeFileSync(inside('file'), 'abc');
    fs.symlinkSync('file', inside('one'));
    fs.symlinkSync('/one', inside('home/two'));
    fs.symlinkSync(join(base, 'secret'), inside('broken'));
    expect((await readEntry(root, '/home/two')).target).toMatchObject({ path: '/file', stat: { size: 3 } });
    expect((await readEntry(root, '/broken')).target).toBeNull();
    expect((await readEntry(root, '/file')).target).toBeNull();
  });
});

describe('shared host directories', () => {
  const share = () => {
    const host = join(base, 'usr');
    fs.mkdirSync(join(host, 'bin/private'), { recursive: true });
    fs.writeFileSync(join(host, 'bin/tool'), 'tool');
    fs.writeFileSync(join(host, 'bin/key'), 'key');
    fs.writeFileSync(join(host, 'bin/private/key'), 'key');
    fs.symlinkSync('/etc/setting', join(host, 'bin/link'));
    fs.symlinkSync('../../secret', join(host, 'bin/climbing'));
    fs.chmodSync(join(host, 'bin/key'), 0o600);
    fs.chmodSync(join(host, 'bin/private'), 0o700);
    fs.mkdirSync(inside('usr'));
    fs.mkdirSync(inside('etc'));
    fs.writeFileSync(inside('etc/setting'), 'mine');
    fs.symlinkSync('usr/bin', inside('bin'));
    root = { ...root, sharedDirs: { usr: host } };
    return host;
  };

  it('shows only world-readable entries and resolves links inside the sandbox', async () => {
    share();
    expect(await readAll('/usr/bin/tool')).toBe('tool');
    expect(await readAll('/bin/../bin/tool')).toBe('tool');
    expect(await readAll('/usr/bin/link')).toBe('mine');
    await expect(readAll('/usr/bin/climbing')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readAll('/usr/../secret')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(readAll('/usr/bin/key')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(readAll('/usr/bin/private/key')).rejects.toMatchObject({ code: 'EACCES' });
    await expect(listEntries(root, '/usr/bin/private', 1)).rejects.toMatchObject({ code: 'EACCES' });
    const listed = (await listEntries(root, '/usr', 9)).map(({ path }) => path.slice('/usr/'.length));
    expect(listed).toEqual(['bin', 'bin/climbing', 'bin/key', 'bin/link', 'bin/private', 'bin/tool']);
    expect((await readEntry(root, '/bin')).target?.path).toBe('/usr/bin');
  });

  it('rejects every change', async () => {
    const host = share();
    fs.writeFileSync(inside('own'), 'own');
    const readOnly = { code: 'EROFS' };
    await expect(writeAll('/usr/bin/tool', 'x')).rejects.toMatchObject(readOnly);
    await expect(writeAll('/bin/new', 'x')).rejects.toMatchObject(readOnly);
    await expect(writeAll('/usr/new/file', 'x')).rejects.toMatchObject(readOnly);
    await expect(makeDirectory(root, '/usr/new')).rejects.toMatchObject(readOnly);
    await expect(moveEntry(root, '/usr/bin/tool', '/tool')).rejects.toMatchObject(readOnly);
    await expect(moveEntry(root, '/own', '/usr/bin/own')).rejects.toMatchObject(readOnly);
    await expect(moveEntry(root, '/usr', '/gone')).rejects.toMatchObject(readOnly);
    await expect(removeEntry(root, '/usr/bin/tool')).rejects.toMatchObject(readOnly);
    await expect(removeEntry(root, '/usr')).rejects.toMatchObject(readOnly);
    expect(fs.readdirSync(join(host, 'bin'))).toHaveLength(5);
    expect(fs.readFileSync(join(host, 'bin/tool'), 'utf8')).toBe('tool');
  });
});
