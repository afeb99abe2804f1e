import { execFileSync } from 'node:child_process';
import fs, { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { startShell } from '../console/shell';
import type { Entry } from '../sandbox/file';
import { serveHttp, thrownBy } from '../test-support/environment';
import { removeTree } from '../test-support/remove-tree';
import { answerAsDaemon, type DaemonOptions } from '../test-support/strict-daemon';
import { CommandOutput } from './envd-command';
import { shellOf } from './envd-shell';
import { createSandboxApi } from './sandbox-api';

/** A data plane that is stricter than the engine: see lib/test-support/strict-daemon.ts. */

const dir = mkdtempSync(join(tmpdir(), 'sandkeeper-daemon-'));
afterAll(() => removeTree(dir));
const { signal } = new AbortController();
const TOKEN = 'token-of-the-sandbox';

/** Opens the sandbox `i0` of a service at `url`, which also answers as its daemon. */
function openAt(url: string) {
  const service = {
    name: 'e2b',
    kind: 'e2b',
    apiUrl: url,
    key: 'e2b_0',
    domain: 'x',
    sandboxUrl: url,
  } as const;
  const api = createSandboxApi(service, { callMs: 15_000 });
  onTestFinished(api.close);
  return api.openEnvd('e2b/i0');
}

async function openSandbox(changes: Partial<DaemonOptions> = {}, token = TOKEN) {
  const daemon = answerAsDaemon({ sandboxId: 'i0', token: TOKEN, ...changes });
  const url = await serveHttp((request, response) => {
    if (daemon(request, response)) return;
    response.end(JSON.stringify({ sandboxID: 'i0', state: 'running', envdAccessToken: token }));
  });
  return openAt(url);
}

const byName = (entries: Entry[]) => new Map(entries.map((entry) => [entry.name, entry]));
const problemOf = async (work: () => Promise<unknown>) =>
  ((await thrownBy(work)) as { problem?: string }).problem;

describe('a folder with a name that is not UTF-8', () => {
  const folder = join(dir, 'names');
  fs.mkdirSync(join(folder, 'dir'), { recursive: true });
  fs.writeFileSync(join(folder, 'file'), 'four');
  fs.chmodSync(join(folder, 'file'), 0o4751);
  fs.writeFileSync(join(folder, 'line\nbreak 7 8'), 'x');
  fs.writeFileSync(join(folder, ' -rf $(x) "ü"'), '');
  fs.writeFileSync(join(folder, '.hidden'), '');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.from([0xff, 0xfe])]), 'bytes');
  fs.symlinkSync('file', join(folder, 'to-file'));
  fs.symlinkSync('dir', join(folder, 'to-dir'));
  fs.symlinkSync('nowhere', join(folder, 'broken'));
  fs.symlinkSync('circle', join(folder, 'circle'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);

  it('is still listed, through a process', async () => {
    const entries = byName(await (await openSandbox()).listDir(folder, signal));
    expect([...entries].map(([name, { kind, leadsTo }]) => [name, kind, leadsTo])).toEqual([
      [' -rf $(x) "ü"', 'file', null],
      ['.hidden', 'file', null],
      ['bad\uFFFD\uFFFD', 'file', null],
      ['broken', 'link', 'nothing'],
      ['circle', 'link', 'nothing'],
      ['dir', 'directory', null],
      ['fifo', 'fifo', null],
      ['file', 'file', null],
      ['line\nbreak 7 8', 'file', null],
      ['to-dir', 'link', 'directory'],
      ['to-file', 'link', 'file'],
    ]);
    const file = entries.get('file');
    expect(file).toMatchObject({ path: `${folder}/file`, sizeBytes: 4, permissions: 'urwxr-x--x' });
    expect(file?.owner).not.toBe('');
    expect(Math.abs((file?.modifiedAtMs ?? 0) - fs.statSync(`${folder}/file`).mtimeMs)).toBeLessThan(1_000);
    expect(entries.get('line\nbreak 7 8')?.sizeBytes).toBe(1);
    expect(entries.get('bad\uFFFD\uFFFD')).toMatchObject({ sizeBytes: 5, isAddressable: false });
    expect(entries.get('to-file')?.linkTarget).toBe(fs.realpathSync(`${folder}/file`));
    expect(entries.get('broken')?.linkTarget).toBeNull();
    expect(entries.get('dir')?.permissions).toMatch(/^d[rwx-]{9}$/);
    expect(entries.get('fifo')?.permissions).toMatch(/^p[rwx-]{9}$/);
  });

  it('is listed with many entries', async () => {
    const many = join(dir, 'many');
    fs.mkdirSync(many);
    for (let n = 0; n < 3_000; n += 1) fs.writeFileSync(join(many, `${'long-name-'.repeat(12)}${n}`), '');
    fs.writeFileSync(Buffer.concat([Buffer.from(`${many}/bad`), Buffer.from([0xff])]), '');
    expect(await (await openSandbox()).listDir(many, signal)).toHaveLength(3_001);
  });

  it('is not listed that way if the daemon says what is wrong', async () => {
    const envd = await openSandbox();
    expect(await problemOf(() => envd.listDir(`${dir}/nowhere`, signal))).toBe('vanished');
    expect(await problemOf(() => envd.listDir(`${folder}/file`, signal))).toBe('not_directory');
  });
});

describe('a link that leads nowhere', () => {
  const folder = join(dir, 'links');
  fs.mkdirSync(folder);
  fs.symlinkSync('nowhere', join(folder, 'broken'));
  fs.symlinkSync('circle', join(folder, 'circle'));
  fs.symlinkSync('one', join(folder, 'other'));
  fs.symlinkSync('other', join(folder, 'one'));
  fs.symlinkSync('/dev/null', join(folder, 'device'));

  it('is shown as one, and not as a link to itself', async () => {
    const envd = await openSandbox();
    const entries = byName(await envd.listDir(folder, signal));
    for (const name of ['broken', 'circle', 'one', 'other'])
      expect(entries.get(name), name).toMatchObject({ kind: 'link', leadsTo: 'nothing', linkTarget: null });
    expect(entries.get('device')).toMatchObject({ leadsTo: 'other', linkTarget: '/dev/null' });
    expect(await envd.stat(`${folder}/broken`, signal)).toMatchObject({
      leadsTo: 'nothing',
      linkTarget: null,
    });
  });
});

describe('an image without bash', () => {
  const missing = ['/bin/bash'];

  it('gets sh for commands and consoles', async () => {
    expect(await shellOf(await openSandbox({ missing }), signal)).toBe('/bin/sh');
    expect(await shellOf(await openSandbox(), signal)).toBe('/bin/bash');
    // Files that show no programs at all say nothing about bash.
    const hidden = await openSandbox({ missing: [...missing, '/bin/sh'] });
    expect(await shellOf(hidden, signal)).toBe('/bin/bash');
    const request = { user: null, cwd: null, size: { cols: 80, rows: 24 } };
    const shell = await startShell(
      await openSandbox({ missing }),
      { sandboxKey: 'e2b/i0', ...request },
      'tag',
      signal,
    );
    expect(shell.name).toBe('sh');
    await shell.events.return();
  });

  it('is told apart from a program that fails', async () => {
    const envd = await openSandbox();
    const run = (cmd: string, args: string[]) => {
      const output = new CommandOutput(envd, { cmd, args }, 10_000, signal);
      return output.begins().then(() => [output.exitCode, output.stderr]);
    };
    expect(await thrownBy(() => run('/opt/none/bash', ['-c', 'true']))).toMatchObject({
      code: 'invalid',
      problem: 'cannot_start',
      message: 'The sandbox could not start /opt/none/bash.',
    });
    expect(await run('/bin/sh', ['-c', 'exit 127'])).toEqual([127, '']);
    const [exitCode, stderr] = await run('/bin/sh', ['-c', '/opt/none/other']);
    expect([exitCode, String(stderr)]).toEqual([127, expect.stringContaining('/opt/none/other')]);
  });
});

describe('a file below /proc', () => {
  it('is read through a process, because the daemon cannot seek in it', async () => {
    const envd = await openSandbox();
    expect(await problemOf(() => envd.readFile('/proc/version', { signal }))).toBe('not_seekable');
    expect(await envd.readGenerated('/proc/version', signal)).toEqual(fs.readFileSync('/proc/version'));
  });

  it('is explained if it cannot be read either', async () => {
    const envd = await openSandbox();
    expect(await problemOf(() => envd.readGenerated('/proc/nowhere', signal))).toBe('vanished');
    expect(await thrownBy(() => envd.readGenerated('/proc/self', signal))).toMatchObject({
      problem: 'not_seekable',
      message: 'The kernel does not let this file be read. Read it in a console.',
    });
    const endless = await thrownBy(() => envd.readGenerated('/dev/zero', signal));
    expect(endless).toMatchObject({ problem: 'too_large' });
  });
});

it('is not told the token in an error, which is logged', async () => {
  const wrong = 'wrong-token-of-the-sandbox';
  const url = await serveHttp((request, response) => {
    const isDetail = request.url?.startsWith('/sandboxes/');
    if (isDetail) response.end(JSON.stringify({ sandboxID: 'i0', state: 'running', envdAccessToken: wrong }));
    else
      response.writeHead(400).end(`{"code":"unknown","message":"no ${request.headers['x-access-token']}"}`);
  });
  const envd = await openAt(url);
  for (const call of [() => envd.stat('/x', signal), () => envd.readFile('/x', { signal })]) {
    const thrown = (await thrownBy(call)) as Error;
    expect(JSON.stringify([thrown.message, String(thrown.cause)])).not.toContain(wrong);
  }
});
