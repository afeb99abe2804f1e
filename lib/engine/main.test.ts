import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { makeTempDir, send, until } from './test-engine';

/** Runs the command as a bundled file in its own process. */

let bundleDir = '';
let bundle = '';

beforeAll(async () => {
  bundleDir = mkdtempSync(join(tmpdir(), 'sandkeeper-bundle-'));
  bundle = join(bundleDir, 'engine.mjs');
  const entryPoints = [fileURLToPath(new URL('./main.ts', import.meta.url))];
  await build({
    entryPoints,
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
    logLevel: 'error',
  });
});
afterAll(() => rmSync(bundleDir, { recursive: true, force: true }));

type Started = { child: ChildProcess; output(): string; ended: Promise<number | null> };

function start(args: string[], options: { channel?: boolean; entry?: string } = {}): Started {
  const stdio = options.channel
    ? (['ignore', 'pipe', 'pipe', 'ipc'] as const)
    : (['ignore', 'pipe', 'pipe'] as const);
  const child = spawn(process.execPath, [options.entry ?? bundle, ...args], {
    stdio: [...stdio],
    env: { NODE_ENV: 'test' },
  });
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  child.stderr?.on('data', (chunk) => (text += chunk));
  const closed = (stream: Readable | null) => new Promise((resolve) => stream?.once('close', resolve));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([exited, closed(child.stdout), closed(child.stderr)]).then(([code]) => code);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, output: () => text, ended };
}

test('prints the variables of both SDKs to export, and exits with 0 on SIGTERM', async () => {
  const { child, output, ended } = start(['--port', '0', '--data-dir', makeTempDir()]);
  await until(
    async () => output(),
    (text) => text.includes('E2B_API_KEY='),
  );
  const exported = Object.fromEntries(
    [...output().matchAll(/export (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  );
  const names = ['API_URL', 'SANDBOX_URL', 'API_KEY'];
  expect(Object.keys(exported)).toEqual(
    ['MORU', 'E2B'].flatMap((of) => names.map((name) => `${of}_${name}`)),
  );
  const port = Number(new URL(exported.MORU_API_URL ?? '').port);
  for (const key of [exported.MORU_API_KEY, exported.E2B_API_KEY]) {
    const headers = { 'x-api-key': key ?? '' };
    expect((await send(port, 'GET', '/v2/sandboxes', undefined, headers)).json).toEqual([]);
  }
  const before = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(performance.now() - before).toBeLessThan(30_000);
});

test('reports over the IPC channel and ends with its parent', async () => {
  const dataDir = makeTempDir();
  const { child, output, ended } = start(['--port', '0', '--data-dir', dataDir], { channel: true });
  const message = await new Promise((resolve) => child.once('message', resolve));
  expect(message).toEqual({
    type: 'ready',
    url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    port: expect.any(Number),
    apiKey: expect.stringMatching(/^moru_[0-9a-f]{40}$/),
    dataDir,
    notes: expect.any(Array),
  });
  expect(output()).toBe('');
  child.disconnect();
  expect(await ended).toBe(0);
});

test('fails to start with one line and exit code 1', async () => {
  const dataDir = makeTempDir();
  const first = start(['--port', '0', '--data-dir', dataDir], { channel: true });
  const { port } = await new Promise<{ port: number }>((resolve) => first.child.once('message', resolve));

  const sameDir = start(['--port', '0', '--data-dir', dataDir]);
  expect(await sameDir.ended).toBe(1);
  expect(sameDir.output()).toMatch(
    /^The data directory .* is in use by another engine \(process \d+\)\..*\n$/,
  );

  const samePort = start(['--port', String(port), '--data-dir', makeTempDir()], { channel: true });
  const failed = await new Promise((resolve) => samePort.child.once('message', resolve));
  expect(failed).toEqual({
    type: 'failed',
    message: expect.stringContaining(`Port ${port} on 127.0.0.1 is taken.`),
  });
  expect(await samePort.ended).toBe(1);
  expect(samePort.output().trim().split('\n')).toHaveLength(1);

  const wrong = start(['--max-running', 'many']);
  expect(await wrong.ended).toBe(1);
  expect(wrong.output()).toBe('--max-running: expected a whole number from 1 to 1000000, got "many".\n');

  const help = start(['--help']);
  expect(await help.ended).toBe(0);
  expect(help.output()).toContain('--max-length-hours');
});

test('keeps its sandboxes after a SIGKILL', async () => {
  const dataDir = makeTempDir();
  const listen = async () => {
    const started = start(['--port', '0', '--data-dir', dataDir], { channel: true });
    const ready = await new Promise<{ port: number; apiKey: string }>((resolve) =>
      started.child.once('message', resolve),
    );
    const call = (method: string, path: string, body?: unknown) =>
      send(ready.port, method, path, body, { 'x-api-key': ready.apiKey });
    return { ...started, call };
  };
  const first = await listen();
  const created = await first.call('POST', '/sandboxes', { templateID: 'base', timeout: 300 });
  first.child.kill('SIGKILL');
  await first.ended;
  writeFileSync(join(dataDir, 'records', 'half.json.tmp'), '{');

  const second = await listen();
  const { sandboxID } = created.json as { sandboxID: string };
  expect((await second.call('GET', '/v2/sandboxes')).json).toMatchObject([{ sandboxID, state: 'running' }]);
});

test('goes on after an error that nothing caught, and answers 500 to its request', async () => {
  const started = start(['--port', '0', '--data-dir', makeTempDir(), '--faults'], { channel: true });
  const { port, apiKey } = await new Promise<{ port: number; apiKey: string }>((resolve) =>
    started.child.once('message', resolve),
  );
  const call = (method: string, path: string, body?: unknown) =>
    send(port, method, path, body, { 'x-api-key': apiKey });
  await call('POST', '/engine/faults', { route: 'GET /templates', effect: 'throw', count: 1 });
  expect((await call('GET', '/templates')).status).toBe(500);
  expect((await call('GET', '/templates')).status).toBe(200);
  expect(started.output()).toContain('Injected fault that nothing catches');
});

test('ends with exit code 1 when such errors do not stop', async () => {
  const started = start(['--port', '0', '--data-dir', makeTempDir(), '--faults'], { channel: true });
  const { port, apiKey } = await new Promise<{ port: number; apiKey: string }>((resolve) =>
    started.child.once('message', resolve),
  );
  const headers = { 'x-api-key': apiKey };
  const fault = { route: 'GET /templates', effect: 'throw' };
  await send(port, 'POST', '/engine/faults', fault, headers);
  for (let count = 0; count < 20; count += 1)
    await send(port, 'GET', '/templates', undefined, headers).catch(() => {});
  expect(await started.ended).toBe(1);
});
