import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  eventually,
  localKey,
  serveHttp,
  setUpEngine,
  simulateNewProcess,
  thrownBy,
} from '../test-support/environment';
import { sandboxApi } from './configured';
import type { FileContent } from './envd-files';

const engine = setUpEngine({ withFiles: true });
const { signal } = new AbortController();

let id: string;
let root: string;

/** Creates a sandbox and its root folder. */
async function newSandbox(): Promise<string> {
  const made = await engine.create();
  await (await sandboxApi('local').openEnvd(localKey(made))).stat('/', signal);
  return made;
}

beforeAll(async () => {
  id = await newSandbox();
  root = engine.inside(id, '');
});

const files = () => sandboxApi('local').openEnvd(localKey(id));
const problemOf = async (work: () => Promise<unknown>) =>
  ((await thrownBy(work)) as { problem?: string }).problem;

async function readText(content: FileContent): Promise<string> {
  if (content.kind === 'outside') throw new Error('There is no such range.');
  return text(content.body);
}

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

describe('a folder', () => {
  it('lists every kind of entry and the targets of links', async () => {
    const dir = `${root}/data/kinds`;
    fs.mkdirSync(`${dir}/dir`, { recursive: true });
    fs.writeFileSync(`${dir}/file`, 'four');
    fs.chmodSync(`${dir}/file`, 0o4755);
    execFileSync('mkfifo', [`${dir}/fifo`]);
    fs.symlinkSync('file', `${dir}/to-file`);
    fs.symlinkSync('../kinds', `${dir}/to-dir`);
    fs.symlinkSync('fifo', `${dir}/to-fifo`);
    fs.symlinkSync('nowhere', `${dir}/broken`);
    fs.symlinkSync('circle', `${dir}/circle`);
    fs.symlinkSync('../../../../../etc/hostname', `${dir}/out`);
    const entries = await (await files()).listDir('/data/kinds/', signal);
    expect(Object.fromEntries(entries.map(({ name, kind, leadsTo }) => [name, [kind, leadsTo]]))).toEqual({
      dir: ['directory', null],
      file: ['file', null],
      fifo: ['fifo', null],
      'to-file': ['link', 'file'],
      'to-dir': ['link', 'directory'],
      'to-fifo': ['link', 'other'],
      broken: ['link', 'nothing'],
      circle: ['link', 'nothing'],
      out: ['link', 'file'],
    });
    const byName = new Map(entries.map((entry) => [entry.name, entry]));
    expect(byName.get('out')?.linkTarget).toBe('/etc/hostname');
    expect(byName.get('file')).toMatchObject({
      path: '/data/kinds/file',
      sizeBytes: 4,
      permissions: 'urwxr-xr-x',
      owner: expect.any(String),
      linkTarget: null,
      isAddressable: true,
    });
    expect(Math.abs((byName.get('file')?.modifiedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('lists hostile names unchanged and marks invalid ones as not addressable', async () => {
    const dir = `${root}/data/names`;
    fs.mkdirSync(dir, { recursive: true });
    const names = [
      '..\\x',
      '\u202Egnp.exe',
      'a\nb',
      '<script>',
      ' ',
      '-rf',
      'x'.repeat(255),
      '"',
      "'",
      '%2e',
    ];
    for (const name of names) fs.writeFileSync(`${dir}/${name}`, name);
    fs.writeFileSync(Buffer.concat([Buffer.from(`${dir}/bad`), Buffer.from([0xff, 0xfe])]), '');
    const envd = await files();
    const entries = await envd.listDir('/data/names', signal);
    const addressable = entries.filter(({ isAddressable }) => isAddressable);
    expect(addressable.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { path, name } of addressable) {
      expect(await envd.stat(path, signal)).toMatchObject({ path, name, kind: 'file' });
      expect(await readText(await envd.readFile(path, { signal }))).toBe(name);
    }
    const [bad] = entries.filter(({ isAddressable }) => !isAddressable);
    expect(bad?.name).toBe('bad\uFFFD\uFFFD');
    expect(await problemOf(() => envd.stat(bad?.path ?? '', signal))).toBe('vanished');
  });

  it('throws if it is missing or not a folder', async () => {
    const envd = await files();
    expect(await problemOf(() => envd.listDir('/nowhere', signal))).toBe('vanished');
    expect(await problemOf(() => envd.listDir('/etc/hostname', signal))).toBe('not_directory');
    expect(await problemOf(() => envd.listDir('/data/kinds/circle', signal))).toBe('not_directory');
    expect(await problemOf(() => envd.listDir(`/${'x'.repeat(300)}`, signal))).toBe('too_large');
    expect(await problemOf(() => envd.stat('/etc/hostname/x', signal))).toBe('vanished');
    expect(await problemOf(() => envd.stat('/data/kinds/circle/x', signal))).toBe('vanished');
  });

  it('lists many thousand entries', async () => {
    const dir = `${root}/data/many`;
    fs.mkdirSync(dir);
    for (let n = 0; n < 20_000; n += 1) fs.writeFileSync(`${dir}/${'long-name-'.repeat(8)}${n}`, '');
    const entries = await (await files()).listDir('/data/many', signal);
    expect(entries).toHaveLength(20_000);
    expect(JSON.stringify(entries).length).toBeGreaterThan(4 * 1024 * 1024);
  });
});

describe('a file', () => {
  it('is read whole and in ranges', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n % 251));
    fs.writeFileSync(`${root}/data/bytes`, bytes);
    const envd = await files();
    const whole = await envd.readFile('/data/bytes', { signal });
    expect(whole).toMatchObject({ kind: 'bytes', sizeBytes: 100_000, range: null });
    if (whole.kind === 'bytes') expect(Buffer.concat(await whole.body.toArray())).toEqual(bytes);
    const part = await envd.readFile('/data/bytes', { range: { start: 10, end: 13 }, signal });
    expect(part).toMatchObject({ sizeBytes: 100_000, range: { start: 10, end: 13 } });
    if (part.kind === 'bytes')
      expect(Buffer.concat(await part.body.toArray())).toEqual(bytes.subarray(10, 14));
    const rest = await envd.readFile('/data/bytes', { range: { start: 99_990 }, signal });
    expect(rest).toMatchObject({ range: { start: 99_990, end: 99_999 } });
    if (rest.kind === 'bytes') rest.body.destroy();
    expect(await envd.readFile('/data/bytes', { range: { start: 100_000 }, signal })).toEqual({
      kind: 'outside',
      sizeBytes: 100_000,
    });
  });

  it('throws the reason if it cannot be read', async () => {
    const envd = await files();
    const read = (path: string) => problemOf(() => envd.readFile(path, { signal }));
    expect(await read('/nowhere')).toBe('vanished');
    expect(await read('/data')).toBe('is_directory');
    expect(await read('/data/kinds/fifo')).toBe('not_regular');
    await engine.fault({ route: 'GET /files', status: 500, message: 'open /x: permission denied' });
    expect(await read('/etc/hostname')).toBe('denied');
  });

  it('is written from a stream', async () => {
    const envd = await files();
    await envd.writeFile('/data/new/deep/file', chunks('one ', '', '--sandkeeper-\r\n', 'two'), signal);
    expect(fs.readFileSync(`${root}/data/new/deep/file`, 'utf8')).toBe('one --sandkeeper-\r\ntwo');
    await envd.writeFile('/data/new/deep/file', chunks(), signal);
    expect(fs.readFileSync(`${root}/data/new/deep/file`, 'utf8')).toBe('');
    expect(await problemOf(() => envd.writeFile('/data/new', chunks('x'), signal))).toBe('is_directory');
    expect(await problemOf(() => envd.writeFile('/etc/hostname/x', chunks('x'), signal))).toBe(
      'not_directory',
    );
    await engine.fault({ route: 'POST /files', status: 507 });
    expect(await problemOf(() => envd.writeFile('/data/full', chunks('x'), signal))).toBe('no_space');
  });

  it('replaces another file on a move, and is removed', async () => {
    const envd = await files();
    await envd.writeFile('/data/from', chunks('from'), signal);
    await envd.writeFile('/data/to', chunks('to'), signal);
    await envd.move('/data/from', '/data/to', signal);
    expect(fs.readFileSync(`${root}/data/to`, 'utf8')).toBe('from');
    await envd.remove('/data/to', signal);
    await envd.remove('/data/to', signal);
    expect(fs.existsSync(`${root}/data/to`)).toBe(false);
    expect(await problemOf(() => envd.move('/nowhere', '/data/to', signal))).toBe('vanished');
  });

  it('does not block the sender when it is refused midway', async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(64 * 1024);
    }
    await engine.fault({ route: 'POST /files', status: 507 });
    const envd = await files();
    expect(await problemOf(() => envd.writeFile('/data/endless', endless(), signal))).toBe('no_space');
  });
});

describe('a watch', () => {
  it('reports when it is active, then each change', async () => {
    fs.mkdirSync(`${root}/data/watched`);
    const leaving = new AbortController();
    const changes: (string | null)[] = [];
    const watching = (async () => {
      for await (const name of (await files()).watchDir('/data/watched', leaving.signal)) changes.push(name);
    })().catch(() => {});
    await eventually(() => changes.length === 1);
    fs.writeFileSync(`${root}/data/watched/a\nb`, '');
    await eventually(() => changes.includes('a\nb'));
    expect(changes[0]).toBeNull();
    leaving.abort();
    await watching;
  });

  it('is refused for a missing path or a file', async () => {
    const envd = await files();
    expect(await problemOf(() => envd.watchDir('/nowhere', signal).next())).toBe('vanished');
    expect(await problemOf(() => envd.watchDir('/etc/hostname', signal).next())).toBe('not_directory');
  });

  it('ends with the sandbox and the reason', async () => {
    const paused = await newSandbox();
    const killed = await newSandbox();
    const [first, second] = await Promise.all(
      [paused, killed].map((made) => sandboxApi('local').openEnvd(localKey(made))),
    );
    const watches = [first, second].map((envd) => envd?.watchDir('/', signal));
    for (const watch of watches) expect(await watch?.next()).toEqual({ done: false, value: null });
    const ends = watches.map((watch) => problemOf(async () => watch?.next()));
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    await engine.call('DELETE', `/sandboxes/${killed}`);
    expect(await Promise.all(ends)).toEqual(['not_running', 'gone']);
  });
});

describe('a sandbox', () => {
  it('is told apart from a missing file if it was paused or killed', async () => {
    const one = await newSandbox();
    const envd = await sandboxApi('local').openEnvd(localKey(one));
    await engine.call('POST', `/sandboxes/${one}/pause`);
    expect(await problemOf(() => envd.stat('/', signal))).toBe('not_running');
    expect(await problemOf(() => envd.listDir('/', signal))).toBe('not_running');
    expect(await problemOf(() => envd.readFile('/etc/hostname', { signal }))).toBe('not_running');
    expect(await problemOf(() => envd.writeFile('/x', chunks('x'), signal))).toBe('not_running');
    expect((await engine.detail(one)).state).toBe('paused');
    await engine.call('DELETE', `/sandboxes/${one}`);
    expect(await problemOf(() => envd.stat('/', signal))).toBe('gone');
    expect(await problemOf(() => envd.readFile('/etc/hostname', { signal }))).toBe('gone');
  });

  it('is unavailable if it cannot be reached', async () => {
    const envd = await files();
    await engine.fault({ route: 'GET /files', reset: true });
    expect(await problemOf(() => envd.readFile('/etc/hostname', { signal }))).toBe('unavailable');
    await engine.fault({ route: 'POST /filesystem.Filesystem/Stat', reset: true });
    expect(await problemOf(() => envd.stat('/', signal))).toBe('unavailable');
  });
});

describe('a hostile service', () => {
  /** Opens a sandbox whose envd answers like this. */
  async function serve(
    answer: (url: string) => [status: number, body: string, headers?: Record<string, string>],
  ) {
    const url = await serveHttp((req, res) => {
      const isReading = req.url?.startsWith('/sandboxes/');
      const [status, body, headers = {}] = isReading
        ? [200, '{"sandboxID":"i0","state":"running"}']
        : answer(req.url ?? '');
      res.writeHead(status, headers).end(body);
    });
    simulateNewProcess({ SANDKEEPER_ENGINE_URL: url });
    return (await import('./configured')).sandboxApi('local').openEnvd('local/i0');
  }

  it('cannot place entries outside the folder', async () => {
    const names = ['../up', 'a/b', '', '.', '..', 'nul\0', 'fine'];
    const entries = names.map((name) => ({ name, type: 'FILE_TYPE_FILE', path: `/etc/${name}`, size: '1' }));
    const envd = await serve(() => [200, JSON.stringify({ entries: [...entries, null, 5, { name: 7 }] })]);
    const listed = await envd.listDir('/data', signal);
    expect(listed.map(({ path }) => path)).toEqual(['/data/fine']);
  });

  it('is denied and cannot redirect', async () => {
    const denied = await serve(() => [403, '{"code":"permission_denied","message":"no"}']);
    expect(await problemOf(() => denied.stat('/x', signal))).toBe('denied');
    expect(await problemOf(() => denied.listDir('/x', signal))).toBe('denied');
    const elsewhere = await serve(() => [307, '', { location: engine.url }]);
    const thrown = await thrownBy(() => elsewhere.readFile('/x', { signal }));
    expect(thrown).toMatchObject({ code: 'unexpected' });
  });

  it('cannot exhaust the memory with one listing', async () => {
    const huge = `{"entries":[${'{"name":"x"},'.repeat(5_500_000)}{"name":"x"}]}`;
    const envd = await serve(() => [200, huge]);
    expect(await problemOf(() => envd.listDir('/x', signal))).toBe('too_large');
  });
});
