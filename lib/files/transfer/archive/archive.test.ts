import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canRun } from '../../../engine/jail/test-process-engine';
import { idOf, type SandboxKey } from '../../../sandbox-key';
import { eventually, thrownBy } from '../../../test-support/environment';
import { measurePaths } from '../../browse/size';
import { auditLog, hasPython, openRequest, sendRequest, userIdOf } from '../../test-file-server';
import { openArchive } from './archive';
import { archiveProgress } from './progress';
import { type ArchiveEvent, newArchiveToken } from './schema';
import { readTar } from './tar-reader';
import { setUpArchives } from './test-archives';

describe.runIf(canRun)('an archive', () => {
  const { newSandbox, isIdle, address, unpack } = setUpArchives();

  function createTree(root: string): void {
    const dir = `${root}/data/work`;
    fs.mkdirSync(`${dir}/sub/empty`, { recursive: true });
    fs.writeFileSync(`${dir}/.hidden`, 'hidden');
    fs.writeFileSync(`${dir}/-rf`, 'option');
    fs.writeFileSync(`${dir}/sub/ü`, 'unicode');
    fs.writeFileSync(`${dir}/sub/run`, 'run', { mode: 0o755 });
    fs.writeFileSync(`${dir}/sub/${'x'.repeat(255)}`, 'long');
    fs.linkSync(`${dir}/sub/run`, `${dir}/sub/same`);
    fs.symlinkSync('/etc/passwd', `${dir}/out`);
    fs.symlinkSync('../work', `${dir}/circle`);
    execFileSync('mkfifo', [`${dir}/fifo`]);
  }

  const TREE = {
    work: null,
    'work/.hidden': 'hidden',
    'work/-rf': 'option',
    'work/sub': null,
    'work/sub/empty': null,
    'work/sub/ü': 'unicode',
    'work/sub/run': 'run',
    'work/sub/same': 'run',
    [`work/sub/${'x'.repeat(255)}`]: 'long',
  };

  it.each(hasPython ? ['tar.gz', 'zip'] : ['tar.gz'])(
    'as %s omits links and pipes and lists them',
    async (format) => {
      const { key, root } = await newSandbox();
      createTree(root);
      const { 'LEFT-OUT.txt': note, ...tree } = await unpack(key, ['/data/work'], format);
      expect(tree).toEqual(TREE);
      for (const words of ['work/out -> /etc/passwd', 'work/circle -> ../work', 'work/fifo']) {
        expect(note).toContain(words);
      }
    },
  );

  it('reads file by file without a working tar', async () => {
    const tars: Record<string, string>[] = [{}, { tar: 'exit 2' }, { tar: 'exec /nowhere' }];
    for (const tools of tars) {
      const { key, root } = await newSandbox({ tools, alone: true });
      createTree(root);
      const { 'LEFT-OUT.txt': note, ...tree } = await unpack(key, ['/data/work']);
      expect(tree).toEqual(TREE);
      expect(note).toContain('work/out -> ');
    }
  });

  /** Nests folders below `dir`, beyond the longest path that a call can name, with a file in the last one. */
  function nest(dir: string, name: string, depth: number): void {
    const script = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[3])):
    os.mkdir(sys.argv[2]); os.chdir(sys.argv[2])
open('end', 'w').write('end')
`;
    execFileSync('python3', ['-c', script, dir, name, String(depth)]);
    onTestFinished(() => void execFileSync('rm', ['-rf', dir]));
  }

  async function archiveOf(key: SandboxKey, format: 'tar.gz' | 'zip') {
    const limit = { entries: 10_000, bytes: 10_000 };
    const signal = AbortSignal.timeout(60_000);
    const { body, count } = await openArchive(key, { paths: ['/data/work'], format, limit, signal });
    return { bytes: await buffer(body), count };
  }

  it.runIf(hasPython)('holds a tree of 3,000 levels', async () => {
    const { key, root } = await newSandbox();
    fs.mkdirSync(`${root}/data/work`);
    nest(`${root}/data/work`, 'd', 3_000);
    const { bytes, count } = await archiveOf(key, 'tar.gz');
    expect(count).toMatchObject({ files: 1, folders: 3_001, leftOut: 0, fault: null, isCut: false });
    const names = execFileSync('tar', ['-t', '-z', '-f', '-'], {
      input: bytes,
      maxBuffer: 2 ** 26,
    }).toString();
    expect(names.trim().split('\n').at(-1) === `work/${'d/'.repeat(3_000)}end`).toBe(true);
  });

  it.runIf(hasPython)('names the first entry whose path is too long', async () => {
    const { key, root } = await newSandbox();
    fs.mkdirSync(`${root}/data/work`);
    nest(`${root}/data/work`, 'x'.repeat(250), 300);
    fs.writeFileSync(`${root}/data/work/~`, 'near');
    const { bytes, count } = await archiveOf(key, 'zip');
    expect(count).toMatchObject({ isCut: false, fault: expect.stringMatching(/x: the path is too long$/) });
    expect(count.leftOut).toBeGreaterThan(1);
    expect(bytes.includes('work/~')).toBe(true);

    const { key: bare, root: bareRoot } = await newSandbox({ alone: true });
    fs.mkdirSync(`${bareRoot}/data/work`);
    nest(`${bareRoot}/data/work`, 'x'.repeat(250), 20);
    expect((await archiveOf(bare, 'tar.gz')).count).toMatchObject({
      leftOut: 1,
      fault: expect.stringMatching(/x: The path is too long\.$/),
    });
  });

  it.each([false, true])('keeps times before 1970 and after 2242 (without tar: %s)', async (alone) => {
    const { key, root } = await newSandbox({ alone });
    fs.mkdirSync(`${root}/data/work`);
    const times: Record<string, number> = {};
    for (const year of [1960, 2150, 2300]) {
      const path = `${root}/data/work/${year}`;
      // Node.js sets no time before 1970.
      execFileSync('touch', ['-d', `${year}-01-01T00:00:00Z`, path]);
      times[`work/${year}`] = Date.UTC(year, 0, 1);
    }
    const { bytes } = await archiveOf(key, 'tar.gz');
    const seen: Record<string, number> = {};
    for await (const { path, kind, modifiedAtMs } of readTar(Readable.from([gunzipSync(bytes)])))
      if (kind === 'file') seen[path.join('/')] = modifiedAtMs;
    expect(seen).toEqual(times);
  });

  it('works with a limited tar', async () => {
    const tar = 'case " $* " in *--hard*) echo unrecognized >&2; exit 1 ;; esac\nexec /usr/bin/tar "$@"';
    const { key, root } = await newSandbox({ tools: { tar } });
    fs.mkdirSync(`${root}/data/work`);
    fs.writeFileSync(`${root}/data/work/file`, 'file');
    expect(await unpack(key, ['/data/work'])).toEqual({ work: null, 'work/file': 'file' });
  });

  it('numbers selected paths of the same name', async () => {
    const { key, root } = await newSandbox();
    for (const dir of ['a', 'b']) {
      fs.mkdirSync(`${root}/data/${dir}`);
      fs.writeFileSync(`${root}/data/${dir}/-name`, dir);
    }
    const paths = ['/data/a/-name', '/data/b/-name', '/data/b/', '/data/a/../a'];
    expect(await unpack(key, paths)).toEqual({
      '-name': 'a',
      '-name~2': 'b',
      b: null,
      'b/-name': 'b',
      a: null,
      'a/-name': 'a',
    });
    const answer = await sendRequest(address(key, ['/data/a'], { format: 'zip' }), { method: 'HEAD' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="a.zip"; filename*=UTF-8''a.zip`,
      'content-security-policy': expect.stringContaining('sandbox'),
    });
  });

  it('of the root omits pseudo file systems', async () => {
    const { key, root } = await newSandbox();
    fs.writeFileSync(`${root}/data/file`, 'file');
    const tar = 'for last; do echo "$last" >&2; done\nexec /usr/bin/tar -c -f - -C / ./data';
    fs.writeFileSync(`${root}/data/bin/tar`, `#!/bin/sh\n${tar}\n`, { mode: 0o755 });
    const tree = await unpack(key, ['/']);
    expect(tree[`${idOf(key)}/data/file`]).toBe('file');
    const requested = tree['LEFT-OUT.txt']?.split('\n') ?? [];
    expect(requested).toEqual(expect.arrayContaining(['./data', './home', './usr']));
    for (const place of ['./proc', './sys', './dev', './bin']) expect(requested).not.toContain(place);
  });

  it('stops reading when the client disconnects', async () => {
    const { key, root } = await newSandbox();
    fs.mkdirSync(`${root}/data/work`);
    fs.writeFileSync(`${root}/data/work/large`, '');
    fs.truncateSync(`${root}/data/work/large`, 3 * 2 ** 30);
    const answer = await openRequest(address(key, ['/data/work'], { format: 'tar.gz' }));
    await new Promise((resolve) => answer.once('readable', resolve));
    expect(await isIdle(key)).toBe(false);
    answer.destroy();
    await eventually(() => isIdle(key), 3_000);
  });

  it('reports progress by token', async () => {
    const { key, root } = await newSandbox();
    createTree(root);
    const userId = await userIdOf();
    const follow = (token: string) => {
      const events: ArchiveEvent[] = [];
      archiveProgress().listen(userId, token, (event) => events.push(event));
      return events;
    };
    const [good, bad] = [newArchiveToken(), newArchiveToken()];
    const [done, failed] = [follow(good), follow(bad)];
    await sendRequest(address(key, ['/data/work'], { format: 'zip', progress: good }));
    expect(done.at(-1)).toEqual({
      kind: 'ended',
      count: { files: 6, folders: 3, bytes: 29, leftOut: 3, fault: null, isCut: false },
      failure: null,
    });
    await sendRequest(address(key, ['/nowhere'], { format: 'zip', progress: bad }));
    expect(failed.at(-1)).toMatchObject({
      kind: 'ended',
      count: null,
      failure: expect.stringContaining('Nothing exists at this path'),
    });
  });

  it('refuses missing paths and insufficient roles before it sends anything', async () => {
    const { key } = await newSandbox();
    const refused = async (
      paths: string[],
      more: Record<string, string>,
      role: 'viewer' | 'operator' | null = 'operator',
    ) => {
      const { status, json } = await sendRequest(address(key, paths, more), { role });
      return [status, (json as { error: { problem?: string } }).error.problem];
    };
    expect(await refused(['/nowhere'], { format: 'zip' })).toEqual([404, 'vanished']);
    expect(await refused([], { format: 'zip' })).toEqual([400, undefined]);
    expect(await refused(['/data'], { format: 'rar' })).toEqual([400, undefined]);
    expect(await refused(['/data'], { format: 'zip', limit: 'all' })).toEqual([400, undefined]);
    expect(await refused(['/data'], { format: 'zip' }, 'viewer')).toEqual([403, undefined]);
    expect(await refused(['/data'], { format: 'zip' }, null)).toEqual([401, undefined]);
    expect(await auditLog(key)).toEqual([]);
    await unpack(key, ['/data']);
    expect(await auditLog(key)).toEqual(['archive-downloaded /data']);
  });

  it('can be measured beforehand', async () => {
    const { key, root } = await newSandbox();
    createTree(root);
    const { signal } = new AbortController();
    expect(await measurePaths(key, ['/data/work'], signal)).toEqual({ entries: 12, bytes: 29, isCut: false });
    expect(await measurePaths(key, ['/data/work/sub/run', '/data/work/out'], signal)).toMatchObject({
      entries: 2,
      bytes: 3,
    });
    const whole = await measurePaths(key, ['/'], signal);
    expect(whole.entries).toBeGreaterThan(12);
    expect(await thrownBy(() => measurePaths(key, ['/nowhere'], signal))).toMatchObject({
      problem: 'vanished',
    });
  });
});
