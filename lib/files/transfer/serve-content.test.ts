import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { onRevocation } from '../../access/access-changes';
import { recheckHeldWork } from '../../access/held-work';
import { unseal } from '../../access/secrets';
import { endSessions, revokeSession, sessionCookieName } from '../../access/sessions';
import { config } from '../../config';
import type { Role } from '../../roles';
import type { SandboxKey } from '../../sandbox-key';
import { eventually, setUpEngine, thrownBy } from '../../test-support/environment';
import { signInAs } from '../../test-support/people';
import {
  auditLog,
  type FileRequest,
  newSandbox,
  openRequest,
  sendRequest,
  startFileServer,
} from '../test-file-server';
import { uploadFile } from './upload';

const engine = setUpEngine({ withFiles: true });

let id: string;
let key: SandboxKey;
let root: string;
let server: string;

beforeAll(async () => {
  ({ id, key, root } = await newSandbox(engine));
});

beforeEach(async () => {
  server = await startFileServer();
});

const address = (path: string, more: Record<string, string> = {}, of = id) =>
  `${server}/api/c/local/sandboxes/${of}/files/content?${new URLSearchParams({ path, ...more })}`;
const download = (path: string, options?: FileRequest, of = id) =>
  sendRequest(address(path, { as: 'download' }, of), options);

describe('downloading a file', () => {
  it('sends its bytes, name and security policy', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));
    fs.writeFileSync(`${root}/data/all "bytes".html`, bytes);
    const answer = await download('/data/all "bytes".html');
    expect(answer.status).toBe(200);
    expect(answer.body.equals(bytes)).toBe(true);
    expect(answer.headers).toMatchObject({
      'content-length': '300000',
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="all _bytes_.html"; filename*=UTF-8''all%20%22bytes%22.html`,
      'content-security-policy': expect.stringContaining('sandbox'),
      'cache-control': 'no-store',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[^"]+"$/),
    });
  });

  it('serves ranges, and resumes only an unchanged file', async () => {
    fs.writeFileSync(`${root}/data/parts`, '0123456789');
    const { headers } = await download('/data/parts', { headers: { range: 'bytes=2-3' } });
    const etag = String(headers.etag);
    const part = async (more: Record<string, string>) => {
      const answer = await download('/data/parts', { headers: more });
      return [answer.status, answer.body.toString(), answer.headers['content-range']];
    };
    expect(await part({ range: 'bytes=2-3' })).toEqual([206, '23', 'bytes 2-3/10']);
    expect(await part({ range: 'bytes=-3' })).toEqual([206, '789', 'bytes 7-9/10']);
    expect(await part({ range: 'bytes=8-', 'if-range': etag })).toEqual([206, '89', 'bytes 8-9/10']);
    expect(await part({ range: 'bytes=0-1,4-5' })).toEqual([200, '0123456789', undefined]);
    expect(await part({ range: 'bytes=10-' })).toEqual([416, '', 'bytes */10']);
    fs.writeFileSync(`${root}/data/parts`, 'other bytes');
    expect(await part({ range: 'bytes=8-', 'if-range': etag })).toEqual([200, 'other bytes', undefined]);
  });

  it('serves an empty file and a link to it', async () => {
    fs.writeFileSync(`${root}/data/empty`, '');
    fs.symlinkSync('empty', `${root}/data/to-empty`);
    for (const path of ['/data/empty', '/data/to-empty']) {
      const answer = await download(path, { headers: { range: 'bytes=0-' } });
      expect([answer.status, answer.headers['content-length'], answer.body.length]).toEqual([200, '0', 0]);
    }
  });

  it('sends only headers on HEAD', async () => {
    fs.writeFileSync(`${root}/data/head`, '0123456789');
    const answer = await download('/data/head', { method: 'HEAD' });
    expect([answer.status, answer.headers['content-length'], answer.body.length]).toEqual([200, '10', 0]);
    expect(await auditLog(key)).not.toContain('file-downloaded /data/head');
  });

  it('makes a hostile name safe', async () => {
    for (const name of ['a\r\nX-Evil: 1', '\u202Egpj.exe', '..', 'ü'.repeat(120)]) {
      const path = name === '..' ? '/data/x/../...' : `/data/${name}`;
      if (name === '..') fs.mkdirSync(`${root}/data/x`, { recursive: true });
      fs.writeFileSync(`${root}${path}`, 'x');
      const answer = await download(path);
      expect(answer.status).toBe(200);
      expect(answer.headers['x-evil']).toBeUndefined();
      expect(answer.headers['content-disposition']).toMatch(
        /^attachment; filename="[ -~]*"; filename\*=UTF-8''\S+$/,
      );
    }
  });
});

describe('other kinds of entries', () => {
  const problemOf = async (path: string) => {
    const { status, json } = await download(path);
    return [status, (json as { error: { problem?: string } }).error.problem];
  };

  it('are never opened', async () => {
    const dir = `${root}/data/odd`;
    fs.mkdirSync(dir);
    execFileSync('mkfifo', [`${dir}/fifo`]);
    if (process.getuid?.() === 0) execFileSync('mknod', [`${dir}/device`, 'c', '1', '5']);
    fs.symlinkSync('fifo', `${dir}/to-fifo`);
    fs.symlinkSync('.', `${dir}/to-dir`);
    fs.symlinkSync('circle', `${dir}/circle`);
    expect(await problemOf('/data/odd')).toEqual([400, 'is_directory']);
    expect(await problemOf('/data/odd/to-dir')).toEqual([400, 'is_directory']);
    expect(await problemOf('/data/odd/fifo')).toEqual([400, 'not_regular']);
    expect(await problemOf('/data/odd/to-fifo')).toEqual([400, 'not_regular']);
    if (process.getuid?.() === 0) expect(await problemOf('/data/odd/device')).toEqual([400, 'not_regular']);
    expect(await problemOf('/data/odd/circle')).toEqual([404, 'vanished']);
    expect(await problemOf('/data/odd/nothing')).toEqual([404, 'vanished']);
    expect(await problemOf('/data/odd/fifo/x')).toEqual([404, 'vanished']);
  });

  it('report a permission error', async () => {
    await engine.fault({ route: 'GET /files', status: 500, message: 'open: permission denied' });
    expect(await problemOf('/etc/hostname')).toEqual([403, 'denied']);
  });
});

describe('a sandbox that is not running', () => {
  it('is not woken', async () => {
    const { id: paused } = await newSandbox(engine);
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    const before = await engine.detail(paused);
    const answer = await download('/etc/hostname', {}, paused);
    expect(answer).toMatchObject({ status: 409, json: { error: { problem: 'not_running' } } });
    const put = await sendRequest(address('/data/x', {}, paused), { method: 'PUT', body: 'x' });
    expect(put).toMatchObject({ status: 409, json: { error: { problem: 'not_running' } } });
    expect(await engine.detail(paused)).toEqual(before);
    await engine.call('DELETE', `/sandboxes/${paused}`);
    expect(await download('/etc/hostname', {}, paused)).toMatchObject({
      status: 404,
      json: { error: { problem: 'gone' } },
    });
  });

  it('ends a download in progress', async () => {
    const { id: victim, root: its } = await newSandbox(engine);
    fs.writeFileSync(`${its}/data/large`, '');
    fs.truncateSync(`${its}/data/large`, 2 ** 31);
    const answer = await openRequest(address('/data/large', { as: 'download' }, victim));
    expect(answer.headers['content-length']).toBe(String(2 ** 31));
    const broken = new Promise((resolve) => answer.once('error', resolve));
    await new Promise((resolve) => answer.once('readable', resolve));
    await engine.call('POST', `/sandboxes/${victim}/pause`);
    answer.resume();
    await broken;
  });
});

describe('a download', () => {
  /** Bytes read so far by this process, which is engine and server in one. */
  const bytesRead = async () => Number(fs.readFileSync('/proc/self/io', 'utf8').match(/rchar: (\d+)/)?.[1]);

  it('applies back pressure and stops when the client disconnects', async () => {
    fs.writeFileSync(`${root}/data/large`, '');
    fs.truncateSync(`${root}/data/large`, 2 ** 32);
    const answer = await openRequest(address('/data/large', { as: 'download' }));
    await new Promise((resolve) => answer.once('readable', resolve));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = await bytesRead();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await bytesRead()) - before).toBeLessThan(16 * 2 ** 20);
    answer.resume();
    await new Promise((resolve) => setTimeout(resolve, 300));
    answer.destroy();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const left = await bytesRead();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await bytesRead()) - left).toBeLessThan(2 ** 20);
  });
});

describe('inline content', () => {
  const PNG = Buffer.from('89504e470d0a1a0a0000', 'hex');

  it('requires a matching name and signature', async () => {
    fs.writeFileSync(`${root}/data/a.png`, PNG);
    fs.writeFileSync(`${root}/data/evil.png`, '<script>alert(1)</script>');
    fs.writeFileSync(`${root}/data/a.svg`, '<svg><script>alert(1)</script></svg>');
    const shown = await sendRequest(address('/data/a.png', { as: 'image' }));
    expect(shown.headers).toMatchObject({
      'content-type': 'image/png',
      'content-disposition': expect.stringMatching(/^inline;/),
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(shown.body.equals(PNG)).toBe(true);
    const svg = await sendRequest(address('/data/a.svg', { as: 'image' }));
    expect(svg.headers['content-type']).toBe('image/svg+xml');
    expect(svg.headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/);
    for (const as of ['image', 'media', 'pdf']) {
      expect((await sendRequest(address('/data/evil.png', { as }))).status, as).toBe(400);
    }
  });

  it('supports ranges', async () => {
    fs.writeFileSync(`${root}/data/a.mp3`, `ID3${'x'.repeat(1000)}`);
    const part = await sendRequest(address('/data/a.mp3', { as: 'media' }), {
      headers: { range: 'bytes=1000-' },
    });
    expect([part.status, part.body.toString(), part.headers['content-type']]).toEqual([
      206,
      'xxx',
      'audio/mpeg',
    ]);
  });
});

describe('an upload', () => {
  const put = (path: string, options: FileRequest = {}, more: Record<string, string> = {}) =>
    sendRequest(address(path, more), { method: 'PUT', ...options });
  const names = (path: string) => fs.readdirSync(`${root}${path}`).sort();

  it('creates a file and its folders', async () => {
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 253));
    const answer = await put('/data/up/deep/new', { body: bytes });
    expect(answer).toMatchObject({
      status: 201,
      json: { name: 'new', path: '/data/up/deep/new', kind: 'file', sizeBytes: 200_000 },
    });
    expect(fs.readFileSync(`${root}/data/up/deep/new`).equals(bytes)).toBe(true);
    expect(names('/data/up/deep')).toEqual(['new']);
  });

  it('replaces only on request and keeps links', async () => {
    fs.mkdirSync(`${root}/data/there`);
    fs.writeFileSync(`${root}/data/there/file`, 'old');
    fs.symlinkSync('file', `${root}/data/there/link`);
    const refused = await put('/data/there/file', { body: 'new' });
    expect(refused).toMatchObject({ status: 409, json: { error: { code: 'conflict' } } });
    expect(refused.json).not.toHaveProperty('error.problem');
    expect(fs.readFileSync(`${root}/data/there/file`, 'utf8')).toBe('old');
    expect((await put('/data/there/link', { body: 'new' }, { conflict: 'replace' })).status).toBe(201);
    expect(fs.readFileSync(`${root}/data/there/file`, 'utf8')).toBe('new');
    expect(fs.readlinkSync(`${root}/data/there/link`)).toBe('file');
    expect(names('/data/there')).toEqual(['file', 'link']);
  });

  it('onto a folder, below a file or without space fails and leaves nothing behind', async () => {
    fs.mkdirSync(`${root}/data/here/folder`, { recursive: true });
    fs.writeFileSync(`${root}/data/here/file`, 'old');
    const problemOf = async (path: string) => {
      const { json } = await put(path, { body: 'x' }, { conflict: 'replace' });
      return (json as { error: { problem?: string } }).error.problem;
    };
    expect(await problemOf('/data/here/folder')).toBe('is_directory');
    expect(await problemOf('/data/here/file/below')).toBe('not_directory');
    await engine.fault({ route: 'POST /files', status: 507 });
    expect(await problemOf('/data/here/file')).toBe('no_space');
    expect(fs.readFileSync(`${root}/data/here/file`, 'utf8')).toBe('old');
    expect(names('/data/here')).toEqual(['file', 'folder']);
  });

  it('of an edited file replaces only the version that was read', async () => {
    const edit = (body: string, etag: string | null, path = '/data/edit/file') =>
      put(
        path,
        { body, headers: etag === null ? {} : { 'if-match': etag } },
        { conflict: 'replace', as: 'edit' },
      );
    fs.mkdirSync(`${root}/data/edit`);
    fs.writeFileSync(`${root}/data/edit/file`, 'one', { mode: 0o755 });
    fs.symlinkSync('file', `${root}/data/edit/link`);
    const { headers } = await download('/data/edit/link');
    const first = await edit('two', headers.etag ?? '', '/data/edit/link');
    expect([first.status, fs.readFileSync(`${root}/data/edit/file`, 'utf8')]).toEqual([201, 'two']);
    expect(fs.statSync(`${root}/data/edit/file`).mode & 0o777).toBe(0o755);
    const refused = { status: 409, json: { error: { code: 'conflict' } } };
    expect(await edit('three', headers.etag ?? '')).toMatchObject(refused);
    expect((await edit('three', first.headers.etag ?? '')).status).toBe(201);
    fs.rmSync(`${root}/data/edit/file`);
    expect(await edit('four', first.headers.etag ?? '')).toMatchObject(refused);
    expect(names('/data/edit')).toEqual(['link']);
    expect((await edit('four', null)).status).toBe(201);
    expect(fs.readFileSync(`${root}/data/edit/file`, 'utf8')).toBe('four');
  });

  it('of an edited file is refused if it changes while the text arrives', async () => {
    fs.mkdirSync(`${root}/data/race`);
    fs.writeFileSync(`${root}/data/race/file`, 'one');
    const { headers } = await download('/data/race/file');
    const body = (async function* () {
      yield Buffer.from('mine');
      fs.writeFileSync(`${root}/data/race/file`, 'of somebody else');
    })();
    const options = { conflict: 'replace', actor: 'ana', signal: AbortSignal.timeout(120_000) } as const;
    const thrown = thrownBy(() =>
      uploadFile(key, '/data/race/file', body, { ...options, ifMatch: headers.etag ?? '' }),
    );
    expect(await thrown).toMatchObject({ code: 'conflict' });
    expect(fs.readFileSync(`${root}/data/race/file`, 'utf8')).toBe('of somebody else');
    expect(names('/data/race')).toEqual(['file']);
  });

  it('that is interrupted keeps the old file', async () => {
    fs.mkdirSync(`${root}/data/half`);
    fs.writeFileSync(`${root}/data/half/file`, 'old');
    const { cookie, origin } = await headersOf();
    const call = request(address('/data/half/file', { conflict: 'replace' }), {
      method: 'PUT',
      headers: { cookie, origin, 'content-length': 10_000_000 },
    });
    call.on('error', () => {});
    call.write(Buffer.alloc(1_000_000));
    await eventually(() => names('/data/half').some((name) => name.startsWith('.upload-')));
    call.destroy();
    await eventually(() => names('/data/half').length === 1);
    expect(fs.readFileSync(`${root}/data/half/file`, 'utf8')).toBe('old');
  });

  async function headersOf(): Promise<{ cookie: string; origin: string }> {
    const value = await signInAs('operator', 'ana');
    return { cookie: `${sessionCookieName()}=${value}`, origin: `http://localhost:${config().port}` };
  }
});

describe('access', () => {
  it('requires an operator, and for writing our own origin', async () => {
    const path = '/etc/hostname';
    expect((await download(path, { role: null })).status).toBe(401);
    expect((await download(path, { role: 'viewer' })).status).toBe(403);
    expect((await download(path, { role: 'admin' })).status).toBe(200);
    const put = (options: FileRequest) =>
      sendRequest(address('/data/server'), { method: 'PUT', body: 'x', ...options });
    expect((await put({ role: null })).status).toBe(401);
    expect((await put({ role: 'viewer' })).status).toBe(403);
    for (const origin of ['', 'null', 'http://evil.example']) {
      expect((await put({ headers: { origin } })).status, origin).toBe(403);
    }
    expect(fs.existsSync(`${root}/data/server`)).toBe(false);
  });

  describe('of a session that is over', () => {
    /** A session of its own, and a request with it. */
    async function openSessionOf(role: Role) {
      const cookie = await signInAs(role, 'mara');
      const sessionId = unseal('session', cookie) ?? '';
      const headers = { cookie: `${sessionCookieName()}=${cookie}` };
      return { sessionId, headers };
    }

    it.each([
      ['signs out', (sessionId: string) => revokeSession(sessionId)],
      ['is ended', (sessionId: string) => endSessions([sessionId], 'an admin')],
    ])('ends a running download within a second when the person %s', async (_, end) => {
      onTestFinished(onRevocation(() => void recheckHeldWork()));
      fs.writeFileSync(`${root}/data/large`, Buffer.alloc(64 * 1024 * 1024, 1));
      const [mine, theirs] = [await openSessionOf('operator'), await openSessionOf('operator')];
      const path = address('/data/large', { as: 'download' });
      const answer = await openRequest(path, { role: null, headers: mine.headers });
      const other = await openRequest(path, { role: null, headers: theirs.headers });
      // Neither is read, so neither ends by itself.
      await new Promise((resolve) => answer.once('readable', resolve));
      const broken = new Promise<number>((resolve) => {
        const beganAtMs = performance.now();
        answer.once('error', () => resolve(performance.now() - beganAtMs));
        answer.once('aborted', () => resolve(performance.now() - beganAtMs));
      });
      await end(mine.sessionId);
      answer.resume();
      expect(await broken).toBeLessThan(10_000);
      expect(answer.complete).toBe(false);
      expect((await buffer(other)).length).toBe(64 * 1024 * 1024);
      expect((await openRequest(path, { role: null, headers: mine.headers })).statusCode).toBe(401);
    });

    it('refuses the rest of an upload, and leaves nothing behind', async () => {
      onTestFinished(onRevocation(() => void recheckHeldWork()));
      fs.mkdirSync(`${root}/data/ended`);
      const { sessionId, headers } = await openSessionOf('operator');
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        const call = request(address('/data/ended/file'), {
          method: 'PUT',
          headers: {
            ...headers,
            origin: `http://localhost:${config().port}`,
            'content-length': 10_000_000,
          },
        });
        call.on('response', resolve);
        call.on('error', reject);
        call.write(Buffer.alloc(1_000_000));
      });
      await eventually(() =>
        fs.readdirSync(`${root}/data/ended`).some((name) => name.startsWith('.upload-')),
      );
      await endSessions([sessionId], 'an admin');
      expect((await answered).statusCode).toBe(401);
      await eventually(() => fs.readdirSync(`${root}/data/ended`).length === 0);
      (await answered).destroy();
    });
  });

  it('rejects other methods, addresses and values', async () => {
    for (const method of ['POST', 'DELETE', 'PATCH']) {
      const answer = await sendRequest(address('/data/x'), { method });
      expect([answer.status, answer.headers.allow], method).toEqual([405, 'GET, HEAD, PUT']);
    }
    expect((await sendRequest(`${server}/api/c/local/sandboxes/${id}/files/constructor`)).status).toBe(404);
    expect(
      (await sendRequest(`${server}/api/c/local/sandboxes/a%2Fb/files/content?path=/&as=download`)).status,
    ).toBe(400);
    for (const query of [
      '',
      'path=/x',
      'as=download',
      'path=x&as=download',
      'path=/x&as=page',
      'path=/%00&as=download',
    ]) {
      const answer = await sendRequest(`${server}/api/c/local/sandboxes/${id}/files/content?${query}`);
      expect([answer.status, answer.headers['cache-control']], query).toEqual([400, 'no-store']);
    }
  });

  it('is recorded, a preview only once', async () => {
    const { id: one, key: keyOfOne, root: its } = await newSandbox(engine);
    fs.writeFileSync(`${its}/data/a`, '0123456789');
    for (const range of ['bytes=0-1', 'bytes=2-3']) {
      await sendRequest(address('/data/a', { as: 'preview' }, one), { headers: { range } });
    }
    await download('/data/a', {}, one);
    await download('/data/nothing', {}, one);
    await download('/data/a', { role: 'viewer' }, one);
    await sendRequest(address('/data/b', {}, one), { method: 'PUT', body: 'x' });
    expect(await auditLog(keyOfOne)).toEqual([
      'file-opened /data/a',
      'file-downloaded /data/a',
      'file-uploaded /data/b',
    ]);
  });
});
