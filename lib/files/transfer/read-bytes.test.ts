import fs from 'node:fs';
import { beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { ApiFailure } from '../../api-client';
import type { SandboxKey } from '../../sandbox-key';
import { setUpEngine } from '../../test-support/environment';
import { newSandbox, sendRequest, startFileServer } from '../test-file-server';
import { readBytes } from './read-bytes';

const engine = setUpEngine({ withFiles: true });

const originalFetch = globalThis.fetch;
let key: SandboxKey;
let root: string;

beforeAll(async () => {
  ({ key, root } = await newSandbox(engine));
});

beforeEach(async () => {
  const server = await startFileServer();
  // Adds what a browser adds to a relative address: the host and the session.
  vi.stubGlobal('fetch', async (address: string, init: RequestInit) => {
    if (!String(address).startsWith('/')) return originalFetch(address, init);
    const answer = await sendRequest(`${server}${address}`, {
      headers: init.headers as Record<string, string>,
    });
    const all = Object.entries(answer.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    return new Response(new Uint8Array(answer.body), { status: answer.status, headers: all });
  });
});

const read = async (path: string, start: number, end: number) => {
  const { bytes, sizeBytes } = await readBytes(key, path, { start, end });
  return [Buffer.from(bytes).toString(), sizeBytes];
};

it('reads a range up to the end of the file', async () => {
  fs.writeFileSync(`${root}/data/digits`, '0123456789');
  expect(await read('/data/digits', 2, 5)).toEqual(['234', 10]);
  expect(await read('/data/digits', 8, 100)).toEqual(['89', 10]);
  expect(await read('/data/digits', 0, 10)).toEqual(['0123456789', 10]);
  expect(await read('/data/digits', 10, 20)).toEqual(['', 10]);
  fs.writeFileSync(`${root}/data/nothing`, '');
  expect(await read('/data/nothing', 0, 100)).toEqual(['', 0]);
});

it('returns the current size', async () => {
  fs.writeFileSync(`${root}/data/log`, 'one\n');
  expect(await read('/data/log', 0, 4)).toEqual(['one\n', 4]);
  fs.appendFileSync(`${root}/data/log`, 'two\n');
  expect(await read('/data/log', 4, 100)).toEqual(['two\n', 8]);
  fs.truncateSync(`${root}/data/log`, 2);
  expect(await read('/data/log', 4, 100)).toEqual(['', 2]);
});

it('reports progress and failures', async () => {
  fs.writeFileSync(`${root}/data/some`, 'x'.repeat(1_000));
  const onProgress = vi.fn();
  await readBytes(key, '/data/some', { start: 0, end: 1_000, onProgress });
  expect(onProgress).toHaveBeenLastCalledWith(1_000);
  const failure = await readBytes(key, '/data/none', { start: 0, end: 1 }).catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(ApiFailure);
  expect(failure).toMatchObject({ code: 'not_found', problem: 'vanished' });
});

it('cuts the range from a response without range support', async () => {
  vi.stubGlobal('fetch', async () => new Response('0123456789', { headers: { 'content-length': '10' } }));
  expect(await read('/any', 3, 6)).toEqual(['345', 10]);
});
