import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { bestTimeMs } from '../../test-support/runs';
import { formOf, readResponse, sendRest, startTestEnvd, type TestEnvd } from './test-envd';

const query = (parameters: Record<string, string>) => `/files?${new URLSearchParams(parameters)}`;
const upload = (envd: TestEnvd, parameters: Record<string, string>, parts: Parameters<typeof formOf>[0]) =>
  envd.request('POST', query(parameters), formOf(parts));

describe('GET /files', () => {
  it('sends a file with its length and type', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('home/user/a.json'), '{}');
    const response = await envd.request('GET', query({ path: 'a.json' }));
    expect(response).toMatchObject({ status: 200, json: {} });
    expect(response.headers).toMatchObject({
      'content-length': '2',
      'content-type': 'application/json',
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
    });
  });

  it('sends an empty file with a length, never chunked', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('home/user/empty'), '');
    const response = await envd.request('GET', query({ path: 'empty' }), { headers: { range: 'bytes=0-5' } });
    expect(response.status).toBe(200);
    expect(response.headers['content-length']).toBe('0');
    expect(response.headers['transfer-encoding']).toBeUndefined();
  });

  it('sends ranges', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('tmp/digits.txt'), '0123456789');
    const get = (range: string) =>
      envd.request('GET', query({ path: '/tmp/digits.txt' }), { headers: { range } });
    const middle = await get('bytes=2-4');
    expect(middle.status).toBe(206);
    expect(middle.body.toString()).toBe('234');
    expect(middle.headers).toMatchObject({ 'content-range': 'bytes 2-4/10', 'content-length': '3' });
    expect((await get('bytes=7-')).body.toString()).toBe('789');
    expect((await get('bytes=-2')).body.toString()).toBe('89');
    expect((await get('bytes=5-100')).headers['content-range']).toBe('bytes 5-9/10');
    for (const bad of ['bytes=10-', 'bytes=5-2', 'bytes=x', 'lines=1-2']) {
      const response = await get(bad);
      expect(response, bad).toMatchObject({ status: 416, json: { code: 416 } });
      expect(response.headers['content-range']).toBe('bytes */10');
    }
    // Ranges larger than the file get the whole file.
    expect((await get('bytes=0-9,0-9')).status).toBe(200);
  });

  it('sends several ranges as a multipart body', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('tmp/digits.txt'), '0123456789');
    const headers = { range: 'bytes=0-1, 5-6' };
    const response = await envd.request('GET', query({ path: '/tmp/digits.txt' }), { headers });
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(
      response.headers['content-type'] ?? '',
    )?.[1];
    expect(response.status).toBe(206);
    expect(response.body.toString()).toBe(
      [
        `--${boundary}\r\nContent-Range: bytes 0-1/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n01\r\n`,
        `--${boundary}\r\nContent-Range: bytes 5-6/10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n56\r\n`,
        `--${boundary}--\r\n`,
      ].join(''),
    );
    expect(response.headers['content-length']).toBe(String(response.body.length));
  });

  it('fails with the exact messages', async () => {
    const envd = await startTestEnvd();
    const failing: [string, number, string][] = [
      ['missing', 404, "path '/home/user/missing' does not exist"],
      ['/tmp', 400, "path '/tmp' is a directory"],
      ['', 400, "path '/home/user' is a directory"],
      ['/tmp/../../../../etc/shadow', 404, "path '/tmp/../../../../etc/shadow' does not exist"],
    ];
    for (const [path, code, message] of failing) {
      const response = await envd.request('GET', query({ path }));
      expect(response).toMatchObject({ status: code, json: { code, message } });
    }
    expect((await envd.request('GET', query({ path: '~root/x' }))).status).toBe(400);
    fs.writeFileSync(envd.inside('tmp/file'), '');
    for (const path of ['a\0b', 'n'.repeat(4000), '/tmp/file/x']) {
      expect((await envd.request('GET', query({ path }))).status, path.slice(0, 9)).toBe(500);
    }
    expect((await envd.request('HEAD', query({ path: '/tmp' }))).status).toBe(405);
    expect((await envd.request('GET', query({ username: 'nobody-known' }))).status).toBe(401);
  });

  it('resolves paths in the home of the user', async () => {
    const envd = await startTestEnvd();
    fs.mkdirSync(envd.inside('root'), { recursive: true });
    fs.writeFileSync(envd.inside('root/mine'), 'root file');
    fs.writeFileSync(envd.inside('home/user/mine'), 'user file');
    const read = async (parameters: Record<string, string>) =>
      (await envd.request('GET', query(parameters))).body.toString();
    expect(await read({ path: 'mine' })).toBe('user file');
    expect(await read({ path: '~/mine', username: 'user' })).toBe('user file');
    expect(await read({ path: '~/mine', username: 'root' })).toBe('root file');
    expect(await read({ path: '../../root/mine' })).toBe('root file');
  });

  it('closes a file after its reader disconnects', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('tmp/large'), '');
    fs.truncateSync(envd.inside('tmp/large'), 1 << 30);
    const before = fs.readdirSync('/proc/self/fd').length;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const outgoing = envd.open('GET', query({ path: '/tmp/large' }));
      outgoing.on('error', () => {});
      await new Promise((resolve) => outgoing.on('response', resolve).end());
      outgoing.destroy();
    }
    await expect.poll(() => fs.readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });

  it('stops when the sandbox is paused', async () => {
    const envd = await startTestEnvd();
    fs.writeFileSync(envd.inside('tmp/large'), '');
    fs.truncateSync(envd.inside('tmp/large'), 1 << 30);
    const tookMs = await bestTimeMs(900, async () => {
      const outgoing = envd.open('GET', query({ path: '/tmp/large' }));
      const response = await new Promise<IncomingMessage>((resolve) =>
        outgoing.on('response', resolve).end(),
      );
      const broken = new Promise((resolve) => response.on('error', resolve));
      const startedMs = performance.now();
      await envd.envd.closeStreams(envd.guest.id);
      const endedMs = performance.now();
      response.resume();
      await broken;
      return endedMs - startedMs;
    });
    // Less than the grace period of an unread connection.
    expect(tookMs).toBeLessThan(900);
  });
});

describe('POST /files', () => {
  it('writes to the path of the query, whatever the name of the part', async () => {
    const envd = await startTestEnvd();
    const response = await upload(envd, { path: 'a/b.txt' }, [['name="file"; filename="undefined"', 'text']]);
    expect(response).toMatchObject({ status: 200 });
    expect(response.json).toEqual([{ path: '/home/user/a/b.txt', name: 'b.txt', type: 'file' }]);
    expect(fs.readFileSync(envd.inside('home/user/a/b.txt'), 'utf8')).toBe('text');
  });

  it('writes each part to its file name, with directories and UTF-8', async () => {
    const envd = await startTestEnvd();
    const response = await upload(envd, {}, [
      ['name="file"; filename="dir/sub/größe 😀.txt"', 'one'],
      ['name="other"; filename="ignored"', 'x'],
      ['name="file"; filename="/data/two \\"quoted\\".bin"', Buffer.from([0, 255, 13, 10, 45, 45])],
      ['name="file"; filename="~/three"', ''],
      ['name="file"; filename="plain"; filename*=UTF-8\'\'f%C3%BCnf', '5'],
    ]);
    expect(response.json).toEqual([
      { path: '/home/user/dir/sub/größe 😀.txt', name: 'größe 😀.txt', type: 'file' },
      { path: '/data/two "quoted".bin', name: 'two "quoted".bin', type: 'file' },
      { path: '/home/user/three', name: 'three', type: 'file' },
      { path: '/home/user/fünf', name: 'fünf', type: 'file' },
    ]);
    expect(fs.readFileSync(envd.inside('data/two "quoted".bin'))).toEqual(
      Buffer.from([0, 255, 13, 10, 45, 45]),
    );
    expect(fs.statSync(envd.inside('home/user/three')).size).toBe(0);
    const owner = fs.statSync(envd.inside('home/user'));
    expect(fs.statSync(envd.inside('home/user/dir/sub')).uid).toBe(owner.uid);
  });

  it('rejects invalid paths', async () => {
    const envd = await startTestEnvd();
    const file = 'name="file"; filename="x"';
    fs.writeFileSync(envd.inside('tmp/file'), '');
    const statusOf = async (path: string) => (await upload(envd, { path }, [[file, 'x']])).status;
    expect(await statusOf('/tmp')).toBe(400);
    expect(await statusOf('/tmp/file/x')).toBe(500);
    expect(await statusOf('a\0b')).toBe(500);
    expect(await statusOf('n'.repeat(4000))).toBe(500);
    expect(await statusOf('~root/x')).toBe(400);
    const twice = await upload(envd, {}, [
      ['name="file"; filename="same"', '1'],
      ['name="file"; filename="./same"', '2'],
    ]);
    expect(twice.status).toBe(400);
    expect(fs.readFileSync(envd.inside('home/user/same'), 'utf8')).toBe('1');
    expect((await upload(envd, {}, [['name="file"', 'x']])).status).toBe(400);
  });

  it('rejects malformed forms', async () => {
    const envd = await startTestEnvd();
    const post = (type: string, body: string) =>
      envd.request('POST', query({ path: 'x' }), { headers: { 'content-type': type }, body });
    expect((await post('text/plain', 'x')).status).toBe(400);
    expect((await post('multipart/form-data', 'x')).status).toBe(500);
    expect((await post('multipart/form-data; boundary=b', 'x')).status).toBe(500);
    expect((await post('multipart/form-data; boundary=b', `--b\r\n${'h'.repeat(20_000)}`)).status).toBe(500);
    const cut = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\ncut of';
    expect((await post('multipart/form-data; boundary=b', cut)).status).toBe(500);
  });

  it('enforces the quota, even within one file, and frees overwritten bytes', async () => {
    const envd = await startTestEnvd({ quotaBytes: () => 2_000_000 });
    const write = (path: string, sizeBytes: number) =>
      upload(envd, { path }, [['name="file"; filename="x"', Buffer.alloc(sizeBytes, 1)]]);
    expect((await write('a', 1_500_000)).status).toBe(200);
    expect((await write('a', 1_600_000)).status).toBe(200);
    const over = await write('b', 1_500_000);
    expect(over).toMatchObject({ status: 507, json: { code: 507 } });
    await expect(envd.sandbox().files.write('c', 'x'.repeat(1_000_000))).rejects.toMatchObject({
      name: 'NotEnoughSpaceError',
    });
    const usedBytes = Number(fs.statSync(envd.inside('home/user/b')).size) + 1_600_000;
    expect(usedBytes).toBeLessThanOrEqual(2_000_000);
  });

  it('responds before a large body has been sent', async () => {
    const envd = await startTestEnvd({ quotaBytes: () => 1_000_000 });
    const { status } = await upload(envd, { path: 'a' }, [['name="file"', Buffer.alloc(50_000_000)]]);
    expect(status).toBe(507);
  });

  it('stops when the sandbox is killed', async () => {
    const envd = await startTestEnvd();
    const form = formOf([['name="file"; filename="x"', 'begin']]);
    const outgoing = envd.open('POST', query({ path: 'x' }), { headers: form.headers });
    const response = readResponse(outgoing);
    outgoing.write(form.body.subarray(0, form.body.indexOf('begin') + 5));
    await expect.poll(() => fs.existsSync(envd.inside('home/user/x'))).toBe(true);
    await envd.envd.closeStreams(envd.guest.id);
    expect(await response).toMatchObject({ status: 502, json: { code: 502, sandboxId: envd.guest.id } });
  });
});

it('transfers large files both ways in bounded memory', async () => {
  const envd = await startTestEnvd();
  const sizeBytes = 256 * 1024 * 1024;
  const block = Buffer.alloc(1024 * 1024, 'engine');
  const form = formOf([['name="file"; filename="x"', '']]);
  const head = form.body.subarray(0, form.body.indexOf('\r\n\r\n') + 4);
  const tail = form.body.subarray(head.length);
  const outgoing = envd.open('POST', query({ path: 'large' }), { headers: form.headers });
  const sent = createHash('sha256');
  let peakBytes = 0;
  const startBytes = process.memoryUsage().rss;
  const measure = () => {
    peakBytes = Math.max(peakBytes, process.memoryUsage().rss - startBytes);
  };
  outgoing.write(head);
  for (let bytes = 0; bytes < sizeBytes; bytes += block.length) {
    sent.update(block);
    measure();
    if (!outgoing.write(block)) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  expect((await sendRest(outgoing, tail)).status).toBe(200);
  const received = createHash('sha256');
  await new Promise<void>((resolve, reject) => {
    const incoming = envd.open('GET', query({ path: 'large' })).on('error', reject);
    incoming.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        received.update(chunk);
        measure();
      });
      response.on('end', resolve);
    });
    incoming.end();
  });
  expect(received.digest('hex')).toBe(sent.digest('hex'));
  // This process holds both ends.
  expect(peakBytes).toBeLessThan(128 * 1024 * 1024);
});
