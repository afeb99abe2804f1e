import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../../../scripts/lib/build.mjs';
import { inRoot } from '../../../../scripts/lib/paths.mjs';
import { database } from '../../../db/client';
import { canRun, type ProcessEngine, startProcessEngine } from '../../../engine/jail/test-process-engine';
import { sandboxApi } from '../../../sandbox-api/configured';
import { eventually, setUpDataDir, thrownBy } from '../../../test-support/environment';
import { openFiles } from '../../browse/reader';
import { openArchive } from './archive';
import { ArchivePrograms } from './programs';

const dataDir = setUpDataDir();

const recorded = async () => (await database()).selectFrom('archive_programs').select('sandbox_id').execute();

/** The commands of the processes that were started through the API. */
async function running(id: string): Promise<string[]> {
  const envd = await sandboxApi().openEnvd(id);
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
  async function newSandbox(): Promise<string> {
    const { sandboxId: id, files } = await engine.create();
    await files.makeDir('/data/work');
    const path = join(engine.guestDir(id), 'root/data/work/large');
    fs.writeFileSync(path, '');
    fs.truncateSync(path, 3 * 2 ** 30);
    return id;
  }

  const limit = { entries: 1_000, bytes: Number.POSITIVE_INFINITY };
  const options = { paths: ['/data/work'], format: 'zip' as const, limit };

  it('is ended by the next process after a crash, and no other program', async () => {
    const id = await newSandbox();
    const envd = await sandboxApi().openEnvd(id);
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const other = envd.run({ cmd: 'sleep', args: ['60'] }, 60_000, stopping.signal);
    await other.next();
    await bundle('lib/files/transfer/archive/archive.ts', 'build/test-archive.mjs');
    const program = `
      import { openArchive } from ${JSON.stringify(inRoot('build/test-archive.mjs'))};
      const { signal } = new AbortController();
      const options = { ...${JSON.stringify({ ...options, limit: { entries: 1_000, bytes: 1e15 } })}, signal };
      const { body } = await openArchive(${JSON.stringify(id)}, options);
      body.once('data', () => { body.pause(); console.log('reading'); });
      setInterval(() => {}, 1_000);`;
    const env = { ...process.env, SANDKEEPER_DATA_DIR: dataDir.path };
    const server = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void server.kill('SIGKILL'));
    await new Promise((resolve) => server.stdout.once('data', resolve));
    expect(await running(id)).toEqual(['sleep', 'tar']);
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await ended;
    expect(await running(id)).toEqual(['sleep', 'tar']);
    const next = new ArchivePrograms(`${hostname()}/${process.pid}/next`);
    onTestFinished(() => next.close());
    await next.open();
    await eventually(async () => (await running(id)).join() === 'sleep');
    await eventually(async () => (await recorded()).length === 0);
  });

  it('is ended when its sandbox runs again after a pause', async () => {
    const id = await newSandbox();
    const leaving = new AbortController();
    const { body } = await openArchive(id, { ...options, signal: leaving.signal });
    await new Promise((resolve) => body.once('readable', resolve));
    expect(await recorded()).toHaveLength(1);
    await engine.api('POST', `/sandboxes/${id}/pause`);
    leaving.abort();
    await thrownBy(async () => {
      for await (const _ of body);
    });
    expect(await recorded()).toHaveLength(1);
    await engine.api('POST', `/sandboxes/${id}/connect`, { timeout: 600 });
    expect(await running(id)).toEqual(['tar']);
    // As somebody does who looks at its files.
    await openFiles(id);
    await eventually(async () => (await running(id)).length === 0);
    await eventually(async () => (await recorded()).length === 0);
  });

  it('is forgotten when it has ended', async () => {
    const { sandboxId: id, files } = await engine.create();
    await files.write('/data/work/small', 'small');
    const { body } = await openArchive(id, { ...options, signal: new AbortController().signal });
    for await (const _ of body);
    expect(await running(id)).toEqual([]);
    expect(await recorded()).toEqual([]);
  });
});
