import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../../../scripts/lib/build.mjs';
import { inRoot } from '../../../../scripts/lib/paths.mjs';
import { database } from '../../../db/client';
import { canRun, type ProcessEngine, startProcessEngine } from '../../../engine/jail/test-process-engine';
import { apiOf } from '../../../sandbox-api/configured';
import { idOf, type SandboxKey } from '../../../sandbox-key';
import { eventually, localKey, setUpDataDir, thrownBy } from '../../../test-support/environment';
import { openFiles } from '../../browse/reader';
import { openArchive } from './archive';
import { ArchivePrograms } from './programs';

const dataDir = setUpDataDir();

const recorded = async () =>
  (await database()).selectFrom('archive_programs').select('sandbox_key').execute();

/** The commands of the processes that were started through the API. */
async function running(key: SandboxKey): Promise<string[]> {
  const envd = await apiOf(key).openEnvd(key);
  return (await envd.listProcesses(AbortSignal.timeout(120_000))).map(({ cmd }) => cmd);
}

describe.runIf(canRun)('the program of an archive', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
  });

  /** A sandbox with a file that takes long to read. */
  async function newSandbox(): Promise<SandboxKey> {
    const { sandboxId, files } = await engine.create();
    await files.makeDir('/data/work');
    const path = join(engine.guestDir(sandboxId), 'root/data/work/large');
    fs.writeFileSync(path, '');
    fs.truncateSync(path, 3 * 2 ** 30);
    return localKey(sandboxId);
  }

  const limit = { entries: 1_000, bytes: Number.POSITIVE_INFINITY };
  const options = { paths: ['/data/work'], format: 'zip' as const, limit };

  it('is ended by the next process after a crash, and no other program', async () => {
    const key = await newSandbox();
    const envd = await apiOf(key).openEnvd(key);
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const other = envd.run({ cmd: 'sleep', args: ['60'] }, 60_000, stopping.signal);
    await other.next();
    await bundle('lib/files/transfer/archive/archive.ts', 'build/test-archive.mjs');
    const program = `
      import { openArchive } from ${JSON.stringify(inRoot('build/test-archive.mjs'))};
      const { signal } = new AbortController();
      const options = { ...${JSON.stringify({ ...options, limit: { entries: 1_000, bytes: 1e15 } })}, signal };
      const { body } = await openArchive(${JSON.stringify(key)}, options);
      body.once('data', () => { body.pause(); console.log('reading'); });
      setInterval(() => {}, 1_000);`;
    const env = { ...process.env, SANDKEEPER_DATA_DIR: dataDir.path };
    const server = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void server.kill('SIGKILL'));
    await new Promise((resolve) => server.stdout.once('data', resolve));
    expect(await running(key)).toEqual(['sleep', 'tar']);
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    expect(await running(key)).toEqual(['sleep', 'tar']);
    const next = new ArchivePrograms(`${hostname()}/${process.pid}/next`);
    onTestFinished(() => next.close());
    await next.open();
    await eventually(async () => (await running(key)).join() === 'sleep');
    await eventually(async () => (await recorded()).length === 0);
  });

  it('is ended when its sandbox runs again after a pause', async () => {
    const key = await newSandbox();
    const leaving = new AbortController();
    const { body } = await openArchive(key, { ...options, signal: leaving.signal });
    await new Promise((resolve) => body.once('readable', resolve));
    expect(await recorded()).toHaveLength(1);
    await engine.api('POST', `/sandboxes/${idOf(key)}/pause`);
    leaving.abort();
    await thrownBy(async () => {
      for await (const _ of body);
    });
    expect(await recorded()).toHaveLength(1);
    await engine.api('POST', `/sandboxes/${idOf(key)}/connect`, { timeout: 600 });
    expect(await running(key)).toEqual(['tar']);
    // As somebody does who looks at its files.
    await openFiles(key);
    await eventually(async () => (await running(key)).length === 0);
    await eventually(async () => (await recorded()).length === 0);
  });

  it('is forgotten when it has ended', async () => {
    const { sandboxId, files } = await engine.create();
    const key = localKey(sandboxId);
    await files.write('/data/work/small', 'small');
    const { body } = await openArchive(key, { ...options, signal: new AbortController().signal });
    for await (const _ of body);
    expect(await running(key)).toEqual([]);
    expect(await recorded()).toEqual([]);
  });
});
