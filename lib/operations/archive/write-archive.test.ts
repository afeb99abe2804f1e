import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import type { SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpDataDir, thrownBy } from '../../test-support/environment';
import { ArchivePlace, openArchiveDir, sweepAbandonedParts } from './archive-place';
import { type ArchiveProgress, findFault, writeArchive } from './write-archive';

setUpDataDir();

const GB = 2 ** 30;
const MB = 2 ** 20;
/** Whether this machine can mount a small disk to fill. */
const canMount = spawnsMount();

function spawnsMount(): boolean {
  const dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir], { stdio: 'ignore' });
    execFileSync('umount', [dir]);
    return true;
  } catch {
    return false;
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const modeOf = (path: string) => (fs.statSync(path).mode & 0o777).toString(8);

describe('ArchivePlace', () => {
  let dir: string;

  beforeEach(() => {
    dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  });

  it('consists of ids and is private', async () => {
    const place = await ArchivePlace.open(join(dir, 'deep/below'), 'op_1', 'prod-eu/i1');
    expect(place.name).toBe('op_1/prod-eu.i1.tar.gz');
    const part = await place.createPart();
    await part.close();
    await place.keepPart();
    expect(fs.readdirSync(join(dir, 'deep/below/op_1'))).toEqual(['prod-eu.i1.tar.gz']);
    for (const [path, mode] of [
      ['deep/below', '700'],
      ['deep/below/op_1', '700'],
      ['deep/below/op_1/prod-eu.i1.tar.gz', '600'],
    ] as const)
      expect([path, modeOf(join(dir, path))]).toEqual([path, mode]);
  });

  it.each([
    ['../op', 'local/i1'],
    ['op', '../i1'],
    ['op', 'local/../i1'],
    ['op', 'local/i1/x'],
    ['op', 'local.x/i1'],
    ['', 'local/i1'],
    ['op', 'local/'],
    ['op', '/i1'],
  ] as const)('rejects invalid ids: %j %j', async (operationId, sandboxKey) => {
    const thrown = await thrownBy(() => ArchivePlace.open(dir, operationId, sandboxKey));
    expect(thrown).toMatchObject({ code: 'invalid' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('does not follow links out of its directory', async () => {
    const outside = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-outside-'));
    onTestFinished(() => fs.rmSync(outside, { recursive: true, force: true }));
    fs.symlinkSync(outside, join(dir, 'op1'));
    expect(await thrownBy(() => ArchivePlace.open(dir, 'op1', 'local/i1'))).toMatchObject({
      code: 'unavailable',
      message: 'The archive directory contains an unexpected symbolic link.',
    });
    const target = join(outside, 'precious');
    fs.writeFileSync(target, 'precious');
    const place = await ArchivePlace.open(dir, 'op2', 'local/i1');
    fs.symlinkSync(target, join(dir, 'op2/local.i1.tar.gz'));
    expect(await findFault(place, { bytes: 8, entries: 1, leftOut: 0 })).toBe('It can no longer be read.');
    await (await place.createPart()).close();
    await place.keepPart();
    expect(fs.lstatSync(join(dir, 'op2/local.i1.tar.gz')).isFile()).toBe(true);
    expect(fs.readdirSync(outside)).toEqual(['precious']);
    expect(fs.readFileSync(target, 'utf8')).toBe('precious');
  });

  it('is unaffected by a process that lost its claim', async () => {
    const late = await ArchivePlace.open(dir, 'op', 'local/i1');
    const lateFile = await late.createPart();
    const other = await ArchivePlace.open(dir, 'op', 'local/i12');
    await (await other.createPart()).close();
    const heir = await ArchivePlace.open(dir, 'op', 'local/i1');
    const heirFile = await heir.createPart();
    await heir.sweep();
    // Files of a sandbox with the same id prefix are kept.
    expect(fs.readdirSync(join(dir, 'op'))).toHaveLength(2);
    await heirFile.write('of the heir');
    await lateFile.write('of the late one');
    expect(await thrownBy(() => late.keepPart())).toMatchObject({ code: 'ENOENT' });
    await heir.keepPart();
    expect(fs.readFileSync(join(dir, 'op/local.i1.tar.gz'), 'utf8')).toBe('of the heir');
    await Promise.all([lateFile.close(), heirFile.close()]);
  });

  it('is swept if a server left it unfinished, and nothing else is', async () => {
    const names: string[] = [];
    const now = Date.now();
    for (const [id, minutes] of [
      ['old', 120],
      ['new', 10],
    ] as const) {
      const place = await ArchivePlace.open(dir, 'op', localKey(id));
      await (await place.createPart()).close();
      const name = fs.readdirSync(join(dir, 'op')).find((each) => each.includes(id)) ?? '';
      fs.utimesSync(join(dir, 'op', name), now / 1_000, now / 1_000 - minutes * 60);
      names.push(name);
    }
    // Of an earlier version, which named no connection.
    const older = 'older.tar.gz.0123456789ab.part';
    for (const other of ['local.i1.tar.gz', 'notes.part', older]) {
      fs.writeFileSync(join(dir, 'op', other), '');
      fs.utimesSync(join(dir, 'op', other), 1, 1);
    }
    expect((await sweepAbandonedParts(dir, now)).sort()).toEqual([`op/${names[0]}`, `op/${older}`]);
    expect(fs.readdirSync(join(dir, 'op')).sort()).toEqual(['local.i1.tar.gz', names[1], 'notes.part']);
    expect(await sweepAbandonedParts(join(dir, 'missing'))).toEqual([]);
  });

  it('explains why it cannot be written', async () => {
    fs.writeFileSync(join(dir, 'file'), '');
    for (const wrong of ['file', 'file/below'])
      expect(await thrownBy(() => openArchiveDir(join(dir, wrong)))).toMatchObject({
        code: 'unavailable',
        message: 'The archive directory is not a directory.',
      });
  });
});

describe.runIf(canRun)('writeArchive', () => {
  let engine: ProcessEngine;
  let dir: string;

  beforeAll(async () => {
    engine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
  });

  beforeEach(() => {
    dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  });

  /** A sandbox with an empty `/data`, and the path of its files on this machine. */
  async function newSandbox() {
    const sandbox = await engine.create();
    await sandbox.files.makeDir('/data/work');
    return {
      key: localKey(sandbox.sandboxId),
      sandbox,
      root: join(engine.guestDir(sandbox.sandboxId), 'root'),
    };
  }

  type Order = Partial<Parameters<typeof writeArchive>[1]>;

  async function save(key: SandboxKey, path: string, more: Order = {}, into = dir) {
    const place = await ArchivePlace.open(into, 'op', key);
    const order = { limitBytes: GB, signal: new AbortController().signal, onProgress: () => {}, ...more };
    const saved = await writeArchive(place, { sandboxKey: key, path, ...order });
    await place.keepPart();
    return { place, saved, file: join(into, place.name) };
  }

  const listed = (file: string) =>
    execFileSync('tar', ['-t', '-z', '-f', file], { encoding: 'utf8' }).trim().split('\n').sort();

  it('writes an archive that tar reads, with the reported size and entries', async () => {
    const { key, root } = await newSandbox();
    fs.mkdirSync(`${root}/data/work/sub/empty`, { recursive: true });
    fs.writeFileSync(`${root}/data/work/ü -rf`, 'unicode');
    const noise = randomBytes(3 * MB);
    fs.writeFileSync(`${root}/data/work/sub/noise`, noise);
    const { saved, file } = await save(key, '/data/work');
    expect(listed(file)).toHaveLength(saved.entries);
    expect(saved).toEqual({ bytes: fs.statSync(file).size, entries: 5, leftOut: 0 });
    const found = execFileSync('tar', ['-x', '-z', '-O', '-f', file, 'work/sub/noise'], {
      maxBuffer: 8 * MB,
    });
    expect(found.equals(noise)).toBe(true);
  });

  it('writes one entry for an empty folder or a file', async () => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/empty`, '');
    expect((await save(key, '/data/work')).saved).toMatchObject({ entries: 1, leftOut: 0 });
    expect((await save(key, '/data/empty')).saved).toMatchObject({ entries: 1, leftOut: 0 });
  });

  it('finds the home directory and follows a link once', async () => {
    const { key, sandbox, root } = await newSandbox();
    await sandbox.files.write('/home/user/out/result', 'mine');
    const home = await save(key, '~');
    expect(listed(home.file)).toContain('user/out/result');
    fs.symlinkSync('/home/user/out', `${root}/data/latest`);
    const link = await save(key, '/data/latest');
    expect(listed(link.file)).toEqual(['out/', 'out/result']);
    expect(listed((await save(key, '~/out')).file)).toEqual(['out/', 'out/result']);
  });

  it('counts omitted files', async () => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/file`, 'file');
    fs.symlinkSync('file', `${root}/data/work/link`);
    const { saved, file } = await save(key, '/data/work');
    expect(saved).toMatchObject({ entries: 3, leftOut: 1 });
    expect(listed(file)).toEqual(['LEFT-OUT.txt', 'work/', 'work/file']);
  });

  it.each([
    ['/data/nowhere', '/data/nowhere does not exist in the sandbox.'],
    ['~/nowhere', '/home/user/nowhere does not exist in the sandbox.'],
    ['/data/broken', '/data/broken is a broken link.'],
    ['/data/links', 'It contains only links or unreadable files.'],
  ])('fails for %s', async (path, message) => {
    const { key, root } = await newSandbox();
    fs.symlinkSync('/nowhere', `${root}/data/broken`);
    fs.mkdirSync(`${root}/data/links`);
    fs.symlinkSync('../work', `${root}/data/links/one`);
    expect(await thrownBy(() => save(key, path))).toMatchObject({ message });
    expect(fs.readdirSync(join(dir, 'op')).filter((name) => name.endsWith('.tar.gz'))).toEqual([]);
  });

  it('fails if a part is too deep to be read', async () => {
    const { key, root } = await newSandbox();
    const bare = await engine.create({ envs: { PATH: '/nowhere' } });
    await bare.files.makeDir('/data/work');
    const bareRoot = join(engine.guestDir(bare.sandboxId), 'root');
    const script = 'i=0; while [ $i -lt 300 ]; do mkdir "$1" && cd -P "$1" || exit 1; i=$((i+1)); done';
    for (const [sandboxKey, dir] of [
      [key, `${root}/data/work`],
      [localKey(bare.sandboxId), `${bareRoot}/data/work`],
    ] as const) {
      execFileSync('sh', ['-c', script, 'sh', 'x'.repeat(250)], { cwd: dir });
      onTestFinished(() => void execFileSync('rm', ['-rf', dir]));
      expect(await thrownBy(() => save(sandboxKey, '/data/work'))).toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/^Some of it could not be read\. .*x: the path is too long/i),
      });
    }
    expect(fs.readdirSync(join(dir, 'op')).filter((name) => name.endsWith('.tar.gz'))).toEqual([]);
  });

  it('fails beyond the size limit', async () => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/large`, Buffer.alloc(2 * MB));
    expect(await thrownBy(() => save(key, '/data/work', { limitBytes: MB }))).toMatchObject({
      code: 'conflict',
      message: 'It exceeds the limit of an archive, 0.001 GB or 2000000 entries.',
    });
  });

  it('fails if the sandbox is gone', async () => {
    const { key, sandbox } = await newSandbox();
    await engine.api('DELETE', `/sandboxes/${sandbox.sandboxId}`);
    expect(await thrownBy(() => save(key, '/data/work'))).toMatchObject({ problem: 'gone' });
  });

  it.runIf(canMount)('reports a full disk', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
    onTestFinished(() => void execFileSync('umount', ['-l', dir]));
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/noise`, randomBytes(3 * MB));
    expect(await thrownBy(() => save(key, '/data/work'))).toMatchObject({
      code: 'disk_full',
      message: 'The disk of the archive directory is full.',
    });
  });

  it.each([
    ['loses its end', (file: string) => fs.truncateSync(file, fs.statSync(file).size - 1)],
    ['gives it back empty', (file: string) => fs.truncateSync(file, 0)],
    ['gives back another', (file: string) => fs.writeFileSync(file, gzipSync(Buffer.alloc(1_024)))],
  ])('fails on a disk that %s', async (_, damage) => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/file`, 'file');
    const place = await ArchivePlace.open(dir, 'op', key);
    const create = place.createPart.bind(place);
    place.createPart = async () => {
      const file = await create();
      const [name = ''] = fs.readdirSync(join(dir, 'op'));
      file.sync = async () => damage(join(dir, 'op', name));
      return file;
    };
    const order = { limitBytes: GB, signal: new AbortController().signal, onProgress: () => {} };
    const thrown = thrownBy(() => writeArchive(place, { sandboxKey: key, path: '/data/work', ...order }));
    expect(await thrown).toMatchObject({
      message: 'The archive on disk does not match what the sandbox sent.',
    });
  });

  it('rejects with the reason of the signal', async () => {
    const { key, root, sandbox } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/long`, '');
    fs.truncateSync(`${root}/data/work/long`, 64 * GB);
    const stop = new AbortController();
    const events: ArchiveProgress[] = [];
    const saving = thrownBy(() =>
      save(key, '/data/work', {
        limitBytes: 100 * GB,
        signal: stop.signal,
        onProgress: (progress) => events.push(progress),
      }),
    );
    await eventually(() => events.some(({ entries, writtenBytes }) => entries === 2 && writtenBytes > 0));
    stop.abort(new Error('enough'));
    expect(await saving).toEqual(new Error('enough'));
    // The process in the sandbox has ended too.
    await eventually(async () => (await sandbox.commands.list()).length === 0);
  });

  it('detects a damaged archive', async () => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/noise`, randomBytes(MB));
    const { place, saved, file } = await save(key, '/data/work');
    expect(await findFault(place, saved)).toBeNull();
    expect(await findFault(place, { ...saved, entries: 7 })).toBe(
      `It holds ${saved.bytes} bytes and 2 entries instead of ${saved.bytes} and 7.`,
    );
    const whole = fs.readFileSync(file);
    const bent = Buffer.from(whole);
    bent.writeUInt8(bent.readUInt8(bent.length >> 1) ^ 0xff, bent.length >> 1);
    for (const broken of [bent, whole.subarray(0, -9), Buffer.alloc(0), Buffer.from('no archive')]) {
      fs.writeFileSync(file, broken);
      expect(await findFault(place, saved)).toBe('It can no longer be read.');
    }
    fs.rmSync(file);
    expect(await findFault(place, saved)).toBe('It no longer exists.');
  });
});
