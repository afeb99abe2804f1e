import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { FileType, InvalidArgumentError, NotFoundError } from '@moru-ai/core';
import { describe, expect, it } from 'vitest';
import { startTestEnvd, type TestEnvd } from './test-envd';

const rpc = (envd: TestEnvd, method: string, body: unknown) =>
  envd.unary(`filesystem.Filesystem/${method}`, body);
const codeOf = async (envd: TestEnvd, method: string, body: unknown) =>
  ((await rpc(envd, method, body)).json as { code?: string }).code;

describe('through the SDK', () => {
  it('writes, reads, lists, moves and removes', async () => {
    const envd = await startTestEnvd();
    const { files } = envd.sandbox();
    const written = await files.write('/data/important.txt', 'Preserve this!');
    expect(written).toMatchObject({
      name: 'important.txt',
      path: '/data/important.txt',
      type: FileType.FILE,
    });
    expect(await files.read('/data/important.txt')).toBe('Preserve this!');
    expect(
      await files.write([
        { path: 'a.txt', data: 'a' },
        { path: 'sub/b.txt', data: 'b' },
      ]),
    ).toHaveLength(2);
    const listed = await files.list('.', { depth: 2 });
    expect(listed.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/home/user/a.txt', '/home/user/sub', '/home/user/sub/b.txt']),
    );
    expect(await files.exists('a.txt')).toBe(true);
    expect((await files.rename('a.txt', 'moved/c.txt')).path).toBe('/home/user/moved/c.txt');
    expect(await files.exists('a.txt')).toBe(false);
    await files.remove('moved');
    await files.remove('moved');
    expect(await files.exists('moved')).toBe(false);
    await expect(files.read('moved')).rejects.toBeInstanceOf(NotFoundError);
    await expect(files.list('moved')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('reads empty files in every form', async () => {
    const { files } = (await startTestEnvd()).sandbox();
    await files.write('empty', '');
    expect(await files.read('empty')).toBe('');
    expect(await files.read('empty', { format: 'bytes' })).toEqual(new Uint8Array());
  });

  it('describes a file', async () => {
    const envd = await startTestEnvd();
    const { files } = envd.sandbox();
    await files.write('a.txt', 'four');
    expect(await files.getInfo('a.txt')).toMatchObject({
      name: 'a.txt',
      path: '/home/user/a.txt',
      type: FileType.FILE,
      size: 4,
      mode: 0o644,
      permissions: '-rw-r--r--',
      owner: 'user',
      group: 'user',
    });
    const { modifiedTime } = await files.getInfo('a.txt');
    expect(Math.abs((modifiedTime?.getTime() ?? 0) - Date.now())).toBeLessThan(10_000);
    fs.symlinkSync('a.txt', envd.inside('home/user/link'));
    expect(await files.getInfo('link')).toMatchObject({
      type: FileType.FILE,
      symlinkTarget: '/home/user/a.txt',
    });
  });

  it('creates a directory once', async () => {
    const { files } = (await startTestEnvd()).sandbox();
    expect(await files.makeDir('x/y/z')).toBe(true);
    expect(await files.makeDir('x/y/z')).toBe(false);
    await files.write('x/file', '');
    await expect(files.makeDir('x/file')).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(files.list('x/file')).rejects.toBeInstanceOf(InvalidArgumentError);
  });
});

describe('raw RPC', () => {
  it('formats kinds and permissions like Go', async () => {
    const envd = await startTestEnvd();
    const dir = envd.inside('home/user/kinds');
    fs.mkdirSync(dir);
    fs.mkdirSync(`${dir}/dir`);
    fs.mkdirSync(`${dir}/sticky`);
    fs.chmodSync(`${dir}/sticky`, 0o1777);
    fs.writeFileSync(`${dir}/setuid`, '');
    fs.chmodSync(`${dir}/setuid`, 0o4755);
    fs.symlinkSync('/nowhere', `${dir}/broken`);
    fs.symlinkSync('dir', `${dir}/link`);
    execFileSync('mkfifo', [`${dir}/fifo`]);
    const { json } = await rpc(envd, 'ListDir', { path: 'kinds' });
    const entries = (json as { entries: Record<string, unknown>[] }).entries;
    const lines = entries.map(({ name, type, permissions, symlinkTarget, mode }) =>
      [
        name,
        type === undefined ? 'none' : String(type).slice('FILE_TYPE_'.length),
        permissions,
        symlinkTarget,
        Number(mode).toString(8),
      ].join(' '),
    );
    expect(lines).toEqual([
      'broken SYMLINK Lrwxrwxrwx  777',
      'dir DIRECTORY drwxr-xr-x  755',
      'fifo none prw-r--r--  644',
      'link DIRECTORY Lrwxrwxrwx /home/user/kinds/dir 755',
      'setuid FILE urwxr-xr-x  755',
      'sticky DIRECTORY dtrwxrwxrwx  777',
    ]);
    expect(entries[1]).toMatchObject({
      size: expect.stringMatching(/^\d+$/),
      owner: process.getuid?.() === 0 ? 'root' : 'user',
    });
    expect((await rpc(envd, 'Stat', { path: '/' })).json).toMatchObject({
      entry: { name: '/', path: '/', type: 'FILE_TYPE_DIRECTORY' },
    });
  });

  it('answers with Connect codes', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('tmp/file'), '');
    fs.symlinkSync('loop', envd.inside('tmp/loop'));
    const cases: [string, object, string][] = [
      ['Stat', { path: 'missing' }, 'not_found'],
      ['Stat', { path: '~root' }, 'invalid_argument'],
      ['Stat', { path: '/tmp/file/x' }, 'internal'],
      ['ListDir', { path: 'missing' }, 'not_found'],
      ['ListDir', { path: '/tmp/file' }, 'invalid_argument'],
      ['ListDir', { path: '/tmp/loop' }, 'failed_precondition'],
      ['MakeDir', { path: '/tmp' }, 'already_exists'],
      ['MakeDir', { path: '/tmp/file' }, 'invalid_argument'],
      ['Move', { source: '/tmp/missing', destination: '/tmp/x' }, 'not_found'],
      ['Move', { source: '/tmp/file', destination: '/tmp/file/x' }, 'internal'],
      ['Move', { source: '/tmp', destination: '/tmp/x' }, 'internal'],
      ['Remove', { path: '/' }, 'invalid_argument'],
      ['CreateWatcher', { path: 'missing' }, 'not_found'],
      ['CreateWatcher', { path: '/tmp/file' }, 'invalid_argument'],
      ['GetWatcherEvents', { watcherId: 'w0' }, 'not_found'],
      ['RemoveWatcher', { watcher_id: 'w0' }, 'not_found'],
    ];
    for (const [method, body, code] of cases) {
      expect(await codeOf(envd, method, body), `${method} ${JSON.stringify(body)}`).toBe(code);
    }
    expect((await rpc(envd, 'Remove', { path: '/tmp/missing/deep' })).status).toBe(200);
    expect(envd.warnings).toEqual([]);
  });

  it('shows the programs of the host, and lets nobody change them', async () => {
    const envd = await startTestEnvd();
    expect((await rpc(envd, 'Stat', { path: '/bin/bash' })).json).toMatchObject({
      entry: { type: 'FILE_TYPE_FILE', size: String(fs.statSync('/bin/bash').size), owner: 'root' },
    });
    expect(await codeOf(envd, 'Remove', { path: '/usr/bin/env' })).toBe('permission_denied');
    expect(await codeOf(envd, 'MakeDir', { path: '/usr/mine' })).toBe('permission_denied');
  });

  it('never leaves the sandbox by a path', async () => {
    const envd = await startTestEnvd();
    const up = '../'.repeat(40);
    const host = envd.guest.dataDir;
    fs.writeFileSync(`${host}/secret`, 'host');
    fs.mkdirSync(`${host}/directory`);
    for (const path of [`/${up}${host}/secret`, `${up}${host}/secret`, `~/${up}${host}/secret`]) {
      expect(await codeOf(envd, 'Stat', { path })).toBe('not_found');
      expect(await codeOf(envd, 'Move', { source: path, destination: 'x' })).toBe('not_found');
      await rpc(envd, 'Remove', { path });
      await rpc(envd, 'MakeDir', { path: `${path}-made` });
      expect(await codeOf(envd, 'CreateWatcher', { path: `${path}/../directory` })).toBe('not_found');
      expect(await codeOf(envd, 'ListDir', { path: `${path}/../directory` })).toBe('not_found');
    }
    await rpc(envd, 'MakeDir', { path: 'made' });
    await rpc(envd, 'Move', { source: 'made', destination: `${up}${host}/moved` });
    expect(fs.readdirSync(host).sort()).toEqual(['directory', 'root', 'secret']);
    expect(fs.readFileSync(`${host}/secret`, 'utf8')).toBe('host');
  });

  it('fails with internal for impossible paths', async () => {
    const envd = await startTestEnvd();
    for (const path of ['a\0b', 'n'.repeat(4000), 'n/'.repeat(3000), `/${'../'.repeat(2000)}`]) {
      for (const method of ['Stat', 'ListDir', 'MakeDir', 'CreateWatcher', 'Remove']) {
        expect(await codeOf(envd, method, { path }), `${method} ${path.slice(0, 9)}`).toBe('internal');
      }
      expect(await codeOf(envd, 'Move', { source: path, destination: 'x' })).toBe('internal');
      expect(await codeOf(envd, 'Move', { source: '/tmp', destination: path })).toBe('internal');
    }
    expect(envd.warnings).toEqual([]);
  });

  it('serves a sandbox that replaced its directories by links', async () => {
    const envd = await startTestEnvd();
    for (const name of ['etc', 'home']) {
      fs.rmSync(envd.inside(name), { recursive: true });
      fs.symlinkSync(`/../../../../../${name}`, envd.inside(name));
    }
    expect(await codeOf(envd, 'Stat', { path: '/etc/passwd' })).toBe('internal');
    expect(await codeOf(envd, 'ListDir', { path: '' })).toBe('failed_precondition');
    fs.unlinkSync(envd.inside('etc'));
    fs.symlinkSync('/tmp', envd.inside('etc'));
    expect((await rpc(envd, 'ListDir', { path: '/etc' })).json).toEqual({});
  });

  it('lists many entries in order', async () => {
    const envd = await startTestEnvd();
    for (let index = 0; index < 5_000; index += 1) fs.writeFileSync(envd.inside(`tmp/f${index}`), '');
    const names = ((await rpc(envd, 'ListDir', { path: '/tmp' })).json as { entries: { name: string }[] })
      .entries;
    expect(names).toHaveLength(5_000);
    expect(names.map(({ name }) => name)).toEqual(names.map(({ name }) => name).sort());
  });
});
