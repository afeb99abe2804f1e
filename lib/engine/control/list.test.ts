import { expect, test } from 'vitest';
import { type Detail, startTestEngine, type TestEngine } from '../test-engine';
import { formatCursor, parseCursor, parseMetadata } from './list';

async function page(engine: TestEngine, query: string) {
  const { status, headers, json } = await engine.call('GET', `/v2/sandboxes${query}`);
  const ids = Array.isArray(json) ? (json as Detail[]).map(({ sandboxID }) => sandboxID) : [];
  return { status, json, ids, next: headers['x-next-token'], total: headers['x-total-running'] };
}

test('parses the metadata filter in the encoding of the SDKs and written by hand', () => {
  const read = (query: string) => ({ ...parseMetadata(new URLSearchParams(query).get('metadata')) });
  expect(read('metadata=k%2525201%3Dv%2525261')).toEqual({ 'k 1': 'v&1' });
  expect(read('metadata=user%3Dabc%26app%3Dprod')).toEqual({ user: 'abc', app: 'prod' });
  expect(read('metadata=a%3Db%2Bc')).toEqual({ a: 'b c' });
  expect(read('metadata=empty%3D')).toEqual({ empty: '' });
  expect(read('metadata=')).toEqual({});
  expect(() => read('metadata=nothing')).toThrow('Error parsing metadata');
  expect(() => read('metadata=a%3Db%3Dc')).toThrow('Error parsing metadata');
  expect(() => read('metadata=a%3D%25zz')).toThrow('Error parsing metadata');
});

test('formats a cursor as padded base64url of start and id', () => {
  const place = { startedAtMs: Date.UTC(2026, 1, 3, 4, 5, 6, 70), id: 'iabc' };
  const cursor = formatCursor(place);
  expect(Buffer.from(cursor, 'base64url').toString()).toBe('2026-02-03T04:05:06.070Z__iabc');
  expect(cursor.length % 4).toBe(0);
  expect(cursor).not.toMatch(/[+/]/);
  expect(parseCursor(cursor)).toEqual(place);
  // With the nanoseconds of other servers.
  const foreign = Buffer.from('2026-02-03T04:05:06.070123456Z__iabc').toString('base64url');
  expect(parseCursor(foreign)).toEqual(place);
  for (const bad of ['', 'x', Buffer.from('yesterday__i').toString('base64url'), '!!!!']) {
    expect(() => parseCursor(bad)).toThrow('Invalid next token');
  }
});

test('pages the list, with a next token only before the last page and the total of running sandboxes', async () => {
  const engine = await startTestEngine();
  const ids: string[] = [];
  for (const environment of ['development', 'staging', 'development']) {
    ids.unshift(await engine.create({ metadata: { environment } }));
    // Different start times give a known order.
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  await engine.call('POST', `/sandboxes/${ids[1]}/pause`);

  expect(await page(engine, '')).toMatchObject({ ids, next: undefined, total: '2' });
  expect(await page(engine, '?limit=3')).toMatchObject({ ids, next: undefined });
  const first = await page(engine, '?limit=2');
  expect(first).toMatchObject({ ids: ids.slice(0, 2), total: '2' });
  const rest = await page(engine, `?limit=2&nextToken=${encodeURIComponent(String(first.next))}`);
  expect(rest).toMatchObject({ ids: ids.slice(2), next: undefined, total: '2' });

  expect(await page(engine, '?state=paused')).toMatchObject({ ids: [ids[1]], total: undefined });
  expect(await page(engine, '?state=running,paused')).toMatchObject({ ids, total: '2' });
  expect(await page(engine, '?metadata=environment%3Ddevelopment&limit=1')).toMatchObject({
    ids: [ids[0]],
    total: '2',
  });
  expect(await page(engine, '?metadata=constructor%3Dx')).toMatchObject({ ids: [], total: '0' });

  const v1 = await engine.call('GET', '/sandboxes?metadata=environment%3Ddevelopment');
  expect((v1.json as Detail[]).map(({ sandboxID }) => sandboxID)).toEqual([ids[0], ids[2]]);
  expect(((await engine.call('GET', '/sandboxes')).json as Detail[]).length).toBe(2);
});

test.each([
  ['?limit=0', 'limit: expected a whole number from 1 to 100'],
  ['?limit=101', 'limit: expected a whole number from 1 to 100'],
  ['?limit=ten', 'limit: expected a whole number from 1 to 100'],
  ['?state=sleeping', 'state: expected a comma-separated list of running, paused'],
  ['?nextToken=x', 'Invalid next token'],
  ['?metadata=x', 'Error parsing metadata'],
])('rejects %s', async (query, message) => {
  const engine = await startTestEngine();
  const { status, json } = await page(engine, query);
  expect(status).toBe(400);
  expect(json).toEqual({ code: 400, message: expect.stringContaining(message) });
});
