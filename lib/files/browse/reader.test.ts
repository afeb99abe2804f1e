import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { serveHttp, setUpDataDir, simulateNewProcess, thrownBy } from '../../test-support/environment';
import { answerAsDaemon } from '../../test-support/strict-daemon';

setUpDataDir();
const { signal } = new AbortController();
const VERSION = fs.readFileSync('/proc/version', 'utf8');

/** Opens files of a sandbox whose daemon cannot seek below /proc. */
async function openFileOf() {
  const daemon = answerAsDaemon({ sandboxId: 'i0', token: 't', prefix: 'moru' });
  const url = await serveHttp((request, response) => {
    if (daemon(request, response)) return;
    response.end(JSON.stringify({ sandboxID: 'i0', state: 'running', envdAccessToken: 't' }));
  });
  simulateNewProcess({ SANDKEEPER_ENGINE_URL: url, SANDKEEPER_ENGINE_KEY: 'key-of-a-test' });
  return (await import('./reader')).openFile;
}

it('opens a file that has no size until it is read, whole and in ranges', async () => {
  const openFile = await openFileOf();
  const whole = await openFile('local/i0', '/proc/version', { headBytes: 5, signal });
  expect(whole).toMatchObject({ name: 'version', content: { kind: 'bytes', sizeBytes: VERSION.length } });
  expect(whole.head.toString()).toBe(VERSION.slice(0, 5));
  if (whole.content.kind === 'bytes') expect(await text(whole.content.body)).toBe(VERSION);

  const part = await openFile('local/i0', '/proc/version', { range: 'bytes=6-12', signal });
  expect(part.content).toMatchObject({ sizeBytes: VERSION.length, range: { start: 6, end: 12 } });
  if (part.content.kind === 'bytes') expect(await text(part.content.body)).toBe(VERSION.slice(6, 13));

  const beyond = await openFile('local/i0', '/proc/version', { range: 'bytes=99999-', signal });
  expect(beyond.content).toEqual({ kind: 'outside', sizeBytes: VERSION.length });
});

it('says why such a file cannot be opened', async () => {
  const openFile = await openFileOf();
  expect(await thrownBy(() => openFile('local/i0', '/proc/self/mem', { signal }))).toMatchObject({
    problem: 'not_seekable',
  });
});
