import fs from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeEnvelope, formOf, startTestEnvd, type TestEnvd } from './test-envd';

const query = (parameters: Record<string, string>) => `/files?${new URLSearchParams(parameters)}`;
const OCTETS = { 'content-type': 'application/octet-stream' };

describe('a download', () => {
  it('is sent again only if the file has changed', async () => {
    const envd = await startTestEnvd();
    const file = envd.inside('home/user/a.txt');
    fs.writeFileSync(file, '0123456789');
    const get = (headers: Record<string, string>) =>
      envd.request('GET', query({ path: 'a.txt' }), { headers });
    const first = await get({});
    const { etag = '', 'last-modified': modified = '' } = first.headers;
    expect(modified).toBe(new Date(fs.statSync(file).mtimeMs).toUTCString());
    expect(etag).toMatch(/^"[\w-]+"$/);
    const same = await get({ 'if-none-match': `"other", W/${etag}` });
    expect(same).toMatchObject({ status: 304, headers: { etag } });
    expect(same.body).toHaveLength(0);
    expect((await get({ 'if-modified-since': modified })).status).toBe(304);
    expect((await get({ 'if-modified-since': new Date(0).toUTCString() })).status).toBe(200);
    expect((await get({ 'if-match': '"other"' })).status).toBe(412);
    const part = { range: 'bytes=2-3' };
    expect((await get({ ...part, 'if-range': etag })).body.toString()).toBe('23');
    expect((await get({ ...part, 'if-range': modified })).status).toBe(206);
    fs.writeFileSync(file, 'other text');
    expect((await get({ 'if-none-match': etag })).status).toBe(200);
    expect(await get({ ...part, 'if-range': etag })).toMatchObject({
      status: 200,
      body: Buffer.from('other text'),
    });
    fs.utimesSync(file, 1_000_000, 1_000_000);
    expect((await get({ ...part, 'if-range': modified })).status).toBe(200);
  });

  it('is compressed if the client accepts it, but not a part or an empty file', async () => {
    const envd = await startTestEnvd();
    const text = 'line of text\n'.repeat(100_000);
    fs.writeFileSync(envd.inside('home/user/a.txt'), text);
    fs.writeFileSync(envd.inside('home/user/empty'), '');
    const get = (path: string, headers: Record<string, string>) =>
      envd.request('GET', query({ path }), { headers });
    const compressed = await get('a.txt', { 'accept-encoding': 'br, gzip;q=0.5' });
    expect(compressed.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'text/plain; charset=utf-8',
      vary: 'Accept-Encoding',
    });
    expect(compressed.body.length).toBeLessThan(text.length / 10);
    expect(gunzipSync(compressed.body).toString()).toBe(text);
    for (const encodings of ['identity, gzip;q=0', 'br', '*', '']) {
      const plain = await get('a.txt', { 'accept-encoding': encodings });
      expect(plain.headers['content-length'], encodings).toBe(String(text.length));
    }
    const part = await get('a.txt', { 'accept-encoding': 'gzip', range: 'bytes=0-3' });
    expect(part).toMatchObject({ status: 206, body: Buffer.from('line') });
    const empty = await get('empty', { 'accept-encoding': 'gzip' });
    expect(empty.headers).toMatchObject({ 'content-length': '0' });
    expect((await get('a.txt', { 'accept-encoding': 'br, identity;q=0' })).status).toBe(406);
  });

  it('names the file, whatever its name', async () => {
    const envd = await startTestEnvd();
    const dispositionOf = async (name: string) => {
      fs.writeFileSync(envd.inside(`tmp/${name}`), '');
      return (await envd.request('GET', query({ path: `/tmp/${name}` }))).headers['content-disposition'];
    };
    expect(await dispositionOf('plain-1.txt')).toBe('inline; filename=plain-1.txt');
    expect(await dispositionOf('a "b".txt')).toBe('inline; filename="a \\"b\\".txt"');
    expect(await dispositionOf("größe's\n.txt")).toBe("inline; filename*=utf-8''gr%C3%B6%C3%9Fe%27s%0A.txt");
  });
});

describe('an upload', () => {
  it('may be the body itself', async () => {
    const envd = await startTestEnvd();
    const post = (parameters: Record<string, string>, body: string | Buffer, headers = {}) =>
      envd.request('POST', query(parameters), { headers: { ...OCTETS, ...headers }, body });
    const response = await post({ path: 'sub/raw.bin' }, Buffer.from([0, 255, 13, 10]));
    expect(response).toMatchObject({ status: 200 });
    expect(response.json).toEqual([{ path: '/home/user/sub/raw.bin', name: 'raw.bin', type: 'file' }]);
    expect(fs.readFileSync(envd.inside('home/user/sub/raw.bin'))).toEqual(Buffer.from([0, 255, 13, 10]));
    expect((await post({ path: 'sub/raw.bin' }, '')).status).toBe(200);
    expect(fs.statSync(envd.inside('home/user/sub/raw.bin')).size).toBe(0);
    expect(await post({}, 'x')).toMatchObject({
      status: 400,
      json: { message: 'path query parameter is required for raw body upload' },
    });
    expect((await post({ path: '/tmp' }, 'x')).status).toBe(400);
  });

  it('may be compressed, raw or as a form', async () => {
    const envd = await startTestEnvd();
    const post = (path: string, body: Buffer, headers: Record<string, string>) =>
      envd.request('POST', query({ path }), { body, headers: { 'content-encoding': 'gzip', ...headers } });
    const text = 'compressed '.repeat(100_000);
    expect((await post('raw', gzipSync(text), OCTETS)).status).toBe(200);
    expect(fs.readFileSync(envd.inside('home/user/raw'), 'utf8')).toBe(text);
    const form = formOf([['name="file"; filename="x"', text]]);
    expect((await post('form', gzipSync(form.body), form.headers)).status).toBe(200);
    expect(fs.readFileSync(envd.inside('home/user/form'), 'utf8')).toBe(text);
    expect((await post('raw', Buffer.from(text), OCTETS)).status).toBe(400);
    expect((await post('raw', gzipSync(text).subarray(0, 99), OCTETS)).status).toBe(400);
    expect((await post('raw', Buffer.from(text), { ...OCTETS, 'content-encoding': 'br' })).status).toBe(400);
    expect(envd.warnings).toEqual([]);
  });

  it('counts the decompressed bytes against the quota', async () => {
    const envd = await startTestEnvd({ quotaBytes: () => 2_000_000 });
    const headers = { ...OCTETS, 'content-encoding': 'gzip' };
    const body = gzipSync(Buffer.alloc(50_000_000));
    expect((await envd.request('POST', query({ path: 'bomb' }), { headers, body })).status).toBe(507);
    expect(fs.statSync(envd.inside('home/user/bomb')).size).toBeLessThanOrEqual(2_000_000);
  });

  it('stores metadata, which stays with the file until it is overwritten', async () => {
    const envd = await startTestEnvd();
    const post = (path: string, headers: Record<string, string>) =>
      envd.request('POST', query({ path }), { headers: { ...OCTETS, ...headers }, body: 'x' });
    const metadata = { author: 'mish', purpose: 'a b' };
    const headers = { 'X-Metadata-Author': 'mish', 'x-metadata-purpose': 'a b' };
    expect((await post('a', headers)).json).toMatchObject([{ path: '/home/user/a', metadata }]);
    const metadataOf = async (path: string, of: TestEnvd = envd) => {
      const { json } = await of.unary('filesystem.Filesystem/Stat', { path });
      return (json as { entry: { metadata?: object } }).entry.metadata;
    };
    expect(await metadataOf('a')).toEqual(metadata);
    await envd.unary('filesystem.Filesystem/Move', { source: 'a', destination: 'b' });
    // Another engine reads them from the disk.
    envd.envd.forget(envd.guest.id);
    expect(await metadataOf('b')).toEqual(metadata);
    const listed = (await envd.unary('filesystem.Filesystem/ListDir', { path: '' })).json;
    expect(listed).toMatchObject({
      entries: expect.arrayContaining([expect.objectContaining({ metadata })]),
    });
    expect((await post('b', {})).json).toEqual([{ path: '/home/user/b', name: 'b', type: 'file' }]);
    expect(await metadataOf('b')).toBeUndefined();
    expect((await post('b', { 'x-metadata-long': 'x'.repeat(5_000) })).status).toBe(400);
    expect((await post('b', { 'x-metadata-text': 'größe' })).status).toBe(400);
  });
});

it('answers RPC compressed, and reads compressed requests', async () => {
  const envd = await startTestEnvd();
  for (let index = 0; index < 100; index += 1) fs.writeFileSync(envd.inside(`tmp/${index}`), '');
  const list = { 'content-type': 'application/json', 'content-encoding': 'gzip', 'accept-encoding': 'gzip' };
  const body = gzipSync(JSON.stringify({ path: '/tmp' }));
  const response = await envd.request('POST', '/filesystem.Filesystem/ListDir', { headers: list, body });
  expect(response).toMatchObject({ status: 200, headers: { 'content-encoding': 'gzip' } });
  expect(JSON.parse(gunzipSync(response.body).toString()).entries).toHaveLength(100);
  const small = await envd.unary(
    'filesystem.Filesystem/Stat',
    { path: '/' },
    { headers: { 'accept-encoding': 'gzip' } },
  );
  expect(small.headers['content-encoding']).toBeUndefined();
  const bad = await envd.request('POST', '/filesystem.Filesystem/ListDir', { headers: list, body: 'plain' });
  expect(bad).toMatchObject({ status: 400, json: { code: 'invalid_argument' } });

  const message = gzipSync(JSON.stringify({ path: 'missing' }));
  const envelope = Buffer.concat([Buffer.from([1, 0, 0, 0, message.length]), message]);
  const headers = { 'connect-content-encoding': 'gzip' };
  for (const sent of [envelope, encodeEnvelope({ path: 'missing' })]) {
    const end = await envd.stream('filesystem.Filesystem/WatchDir', sent, { headers });
    expect(end).toMatchObject([{ flags: 2, message: { error: { code: 'not_found' } } }]);
  }
});
