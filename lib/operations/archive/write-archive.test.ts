import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import { eventually, setUpDataDir, thrownBy } from '../../test-support/environment';
import { ArchivePlace, openArchiveDir } from './archive-place';
import { type ArchiveProgress, findFault, writeArchive } from './write-archive';

setUpDataDir();

const GB = 2 ** 30;
const MB = 2 ** 20;
/** Whether this machine lets us make a disk that is small enough to fill. */
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

describe('the place of an archive', () => {
  let dir: string;

  beforeEach(() => {
    dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  });

  it('is made of ids, for nobody else to read', async () => {
    const place = await ArchivePlace.open(join(dir, 'deep/below'), 'op_1', 'i1');
    expect(place.name).toBe('op_1/i1.tar.gz');
    const part = await place.createPart();
    await part.close();
    await place.keepPart();
    expect(fs.readdirSync(join(dir, 'deep/below/op_1'))).toEqual(['i1.tar.gz']);
    for (const [path, mode] of [
      ['deep/below', '700'],
      ['deep/below/op_1', '700'],
      ['deep/below/op_1/i1.tar.gz', '600'],
    ] as const)
      expect([path, modeOf(join(dir, path))]).toEqual([path, mode]);
  });

  it.each([
    ['../op', 'i1'],
    ['op', '../i1'],
    ['op', 'i1/x'],
    ['', 'i1'],
    ['op', ''],
  ])('takes nothing for an id that is none: %j %j', async (operationId, sandboxId) => {
    const thrown = await thrownBy(() => ArchivePlace.open(dir, operationId, sandboxId));
    expect(thrown).toMatchObject({ code: 'invalid' });
    expect(fs.readdirSync(dir)).toEqual([]);
  });

  it('follows no link out of its directory', async () => {
    const outside = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-outside-'));
    onTestFinished(() => fs.rmSync(outside, { recursive: true, force: true }));
    fs.symlinkSync(outside, join(dir, 'op1'));
    expect(await thrownBy(() => ArchivePlace.open(dir, 'op1', 'i1'))).toMatchObject({
      code: 'unavailable',
      message: 'The archive directory contains an unexpected symbolic link.',
    });
    const target = join(outside, 'precious');
    fs.writeFileSync(target, 'precious');
    const place = await ArchivePlace.open(dir, 'op2', 'i1');
    fs.symlinkSync(target, join(dir, 'op2/i1.tar.gz'));
    expect(await findFault(place, { bytes: 8, entries: 1, leftOut: 0 })).toBe('It can no longer be read.');
    await (await place.createPart()).close();
    await place.keepPart();
    expect(fs.lstatSync(join(dir, 'op2/i1.tar.gz')).isFile()).toBe(true);
    expect(fs.readdirSync(outside)).toEqual(['precious']);
    expect(fs.readFileSync(target, 'utf8')).toBe('precious');
  });

  it('is lost by whoever has not noticed that another has taken over', async () => {
    const late = await ArchivePlace.open(dir, 'op', 'i1');
    const lateFile = await late.createPart();
    const other = await ArchivePlace.open(dir, 'op', 'i12');
    await (await other.createPart()).close();
    const heir = await ArchivePlace.open(dir, 'op', 'i1');
    const heirFile = await heir.createPart();
    await heir.sweep();
    // Of another sandbox whose id begins alike, nothing is removed.
    expect(fs.readdirSync(join(dir, 'op'))).toHaveLength(2);
    await heirFile.write('of the heir');
    await lateFile.write('of the late one');
    expect(await thrownBy(() => late.keepPart())).toMatchObject({ code: 'ENOENT' });
    await heir.keepPart();
    expect(fs.readFileSync(join(dir, 'op/i1.tar.gz'), 'utf8')).toBe('of the heir');
    await Promise.all([lateFile.close(), heirFile.close()]);
  });

  it('says what is wrong where nothing can be written', async () => {
    fs.writeFileSync(join(dir, 'file'), '');
    for (const wrong of ['file', 'file/below'])
      expect(await thrownBy(() => openArchiveDir(join(dir, wrong)))).toMatchObject({
        code: 'unavailable',
        message: 'The archive directory is not a directory.',
      });
  });
});

describe.runIf(canRun)('an export', () => {
  let house: ProcessEngine;
  let dir: string;

  beforeAll(async () => {
    house = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = house.url;
    process.env.SANDKEEPER_ENGINE_KEY = house.apiKey;
  });

  beforeEach(() => {
    dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
  });

  /** A sandbox with an empty `/data`, and where its files lie on this machine. */
  async function newSandbox() {
    const sandbox = await house.create();
    await sandbox.files.makeDir('/data/work');
    return { id: sandbox.sandboxId, sandbox, root: join(house.guestDir(sandbox.sandboxId), 'root') };
  }

  type Order = Partial<Parameters<typeof writeArchive>[1]>;

  async function save(id: string, path: string, more: Order = {}, into = dir) {
    const place = await ArchivePlace.open(into, 'op', id);
    const order = { limitBytes: GB, signal: new AbortController().signal, onProgress: () => {}, ...more };
    const saved = await writeArchive(place, { sandboxId: id, path, ...order });
    await place.keepPart();
    return { place, saved, file: join(into, place.name) };
  }

  const listed = (file: string) =>
    execFileSync('tar', ['-t', '-z', '-f', file], { encoding: 'utf8' }).trim().split('\n').sort();

  it('holds what real tar finds in it, and is as long and as many as it says', async () => {
    const { id, root } = await newSandbox();
    fs.mkdirSync(`${root}/data/work/sub/empty`, { recursive: true });
    fs.writeFileSync(`${root}/data/work/ü -rf`, 'unicode');
    const noise = randomBytes(3 * MB);
    fs.writeFileSync(`${root}/data/work/sub/noise`, noise);
    const { saved, file } = await save(id, '/data/work');
    expect(listed(file)).toHaveLength(saved.entries);
    expect(saved).toEqual({ bytes: fs.statSync(file).size, entries: 5, leftOut: 0 });
    const found = execFileSync('tar', ['-x', '-z', '-O', '-f', file, 'work/sub/noise'], {
      maxBuffer: 8 * MB,
    });
    expect(found.equals(noise)).toBe(true);
  });

  it('of an empty folder is one entry, of a file too', async () => {
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/empty`, '');
    expect((await save(id, '/data/work')).saved).toMatchObject({ entries: 1, leftOut: 0 });
    expect((await save(id, '/data/empty')).saved).toMatchObject({ entries: 1, leftOut: 0 });
  });

  it('of a home finds it, and a link is followed once', async () => {
    const { id, sandbox, root } = await newSandbox();
    await sandbox.files.write('/home/user/out/result', 'mine');
    const home = await save(id, '~');
    expect(listed(home.file)).toContain('user/out/result');
    fs.symlinkSync('/home/user/out', `${root}/data/latest`);
    const link = await save(id, '/data/latest');
    expect(listed(link.file)).toEqual(['out/', 'out/result']);
    expect(listed((await save(id, '~/out')).file)).toEqual(['out/', 'out/result']);
  });

  it('counts what is only listed in it', async () => {
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/file`, 'file');
    fs.symlinkSync('file', `${root}/data/work/link`);
    const { saved, file } = await save(id, '/data/work');
    expect(saved).toMatchObject({ entries: 3, leftOut: 1 });
    expect(listed(file)).toEqual(['LEFT-OUT.txt', 'work/', 'work/file']);
  });

  it.each([
    ['/data/nowhere', '/data/nowhere does not exist in the sandbox.'],
    ['~/nowhere', '/home/user/nowhere does not exist in the sandbox.'],
    ['/data/broken', '/data/broken is a broken link.'],
    ['/data/links', 'It contains only links or unreadable files.'],
  ])('of %s is none', async (path, message) => {
    const { id, root } = await newSandbox();
    fs.symlinkSync('/nowhere', `${root}/data/broken`);
    fs.mkdirSync(`${root}/data/links`);
    fs.symlinkSync('../work', `${root}/data/links/one`);
    expect(await thrownBy(() => save(id, path))).toMatchObject({ message });
    expect(fs.readdirSync(join(dir, 'op')).filter((name) => name.endsWith('.tar.gz'))).toEqual([]);
  });

  it('that would be too large is none', async () => {
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/large`, Buffer.alloc(2 * MB));
    expect(await thrownBy(() => save(id, '/data/work', { limitBytes: MB }))).toMatchObject({
      code: 'conflict',
      message: 'It exceeds the limit of an archive, 0.001 GB or 2000000 entries.',
    });
  });

  it('of what has gone is none', async () => {
    const { id } = await newSandbox();
    await house.api('DELETE', `/sandboxes/${id}`);
    expect(await thrownBy(() => save(id, '/data/work'))).toMatchObject({ problem: 'gone' });
  });

  it.runIf(canMount)('on a disk that is full says so', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir]);
    onTestFinished(() => void execFileSync('umount', ['-l', dir]));
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/noise`, randomBytes(3 * MB));
    expect(await thrownBy(() => save(id, '/data/work'))).toMatchObject({
      code: 'unavailable',
      message: 'The disk of the archive directory is full.',
    });
  });

  it.each([
    ['loses its end', (file: string) => fs.truncateSync(file, fs.statSync(file).size - 1)],
    ['gives it back empty', (file: string) => fs.truncateSync(file, 0)],
    ['gives back another', (file: string) => fs.writeFileSync(file, gzipSync(Buffer.alloc(1_024)))],
  ])('on a disk that %s is none', async (_, damage) => {
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/file`, 'file');
    const place = await ArchivePlace.open(dir, 'op', id);
    const create = place.createPart.bind(place);
    place.createPart = async () => {
      const file = await create();
      const [name = ''] = fs.readdirSync(join(dir, 'op'));
      file.sync = async () => damage(join(dir, 'op', name));
      return file;
    };
    const order = { limitBytes: GB, signal: new AbortController().signal, onProgress: () => {} };
    const thrown = thrownBy(() => writeArchive(place, { sandboxId: id, path: '/data/work', ...order }));
    expect(await thrown).toMatchObject({
      message: 'The archive on disk does not match what the sandbox sent.',
    });
  });

  it('ends with the reason for which it is ended', async () => {
    const { id, root, sandbox } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/long`, '');
    fs.truncateSync(`${root}/data/work/long`, 64 * GB);
    const stop = new AbortController();
    const told: ArchiveProgress[] = [];
    const saving = thrownBy(() =>
      save(id, '/data/work', {
        limitBytes: 100 * GB,
        signal: stop.signal,
        onProgress: (progress) => told.push(progress),
      }),
    );
    await eventually(() => told.some(({ entries, writtenBytes }) => entries === 2 && writtenBytes > 0));
    stop.abort(new Error('enough'));
    expect(await saving).toEqual(new Error('enough'));
    // The program that read it is gone, too.
    await eventually(async () => (await sandbox.commands.list()).length === 0);
  });

  it('is looked at again, and found wanting when it is', async () => {
    const { id, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/work/noise`, randomBytes(MB));
    const { place, saved, file } = await save(id, '/data/work');
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
