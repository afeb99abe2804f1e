import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { type ProcessEngine, startProcessEngine } from '../../../engine/jail/test-process-engine';
import { apiOf } from '../../../sandbox-api/configured';
import { idOf, type SandboxKey } from '../../../sandbox-key';
import { localKey, setUpDataDir } from '../../../test-support/environment';
import { sendRequest, startFileServer } from '../../test-file-server';

/** Sets up an engine that runs processes and a server of files, for tests of archives. */
export function setUpArchives() {
  setUpDataDir();
  let started: ProcessEngine | undefined;
  const engine = (): ProcessEngine => {
    if (!started) throw new Error('The engine is not running before the first test.');
    return started;
  };
  let server: string;

  beforeAll(async () => {
    started = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = started.url;
    process.env.SANDKEEPER_ENGINE_KEY = started.apiKey;
  });

  beforeEach(async () => {
    server = await startFileServer();
  });

  /** `tools`: programs that come before the system's, or replace them if `alone`. */
  async function newSandbox({
    tools = {},
    alone = false,
  }: {
    tools?: Record<string, string>;
    alone?: boolean;
  } = {}) {
    const path = alone ? '/data/bin' : '/data/bin:/usr/local/bin:/usr/bin:/bin';
    const { sandboxId: id, files } = await engine().create({ envs: { PATH: path } });
    await files.makeDir('/data/bin').catch(() => {});
    const root = join(engine().guestDir(id), 'root');
    for (const [name, script] of Object.entries(tools)) {
      fs.writeFileSync(`${root}/data/bin/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return { id, key: localKey(id), root };
  }

  /** Whether no external process runs in it. */
  async function isIdle(key: SandboxKey): Promise<boolean> {
    return (await (await apiOf(key).openEnvd(key)).listProcesses(AbortSignal.timeout(120_000))).length === 0;
  }

  const address = (key: SandboxKey, paths: string[], more: Record<string, string> = {}) => {
    const query = new URLSearchParams([...paths.map((path) => ['path', path]), ...Object.entries(more)]);
    return `${server}/api/c/local/sandboxes/${idOf(key)}/files/archive?${query}`;
  };

  /** Downloads and unpacks an archive: content by path, `null` for a folder. */
  async function unpack(
    key: SandboxKey,
    paths: string[],
    format = 'tar.gz',
  ): Promise<Record<string, string | null>> {
    const answer = await sendRequest(address(key, paths, { format }));
    expect([answer.status, answer.body.toString('utf8', 0, 0)]).toEqual([200, '']);
    return unpacked(answer.body, format);
  }

  function unpacked(archive: Buffer, format: string): Record<string, string | null> {
    const dir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-unpacked-'));
    onTestFinished(() => fs.rmSync(dir, { recursive: true, force: true }));
    if (format === 'zip') {
      fs.writeFileSync(`${dir}.zip`, archive);
      onTestFinished(() => fs.rmSync(`${dir}.zip`, { force: true }));
      const script =
        'import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); z.testzip(); z.extractall(sys.argv[2])';
      execFileSync('python3', ['-c', script, `${dir}.zip`, dir]);
    } else {
      // -P keeps unsafe names.
      execFileSync('tar', ['-x', '-z', '-P', '-f', '-', '-C', dir], { input: archive });
    }
    return treeOf(dir);
  }

  function treeOf(dir: string, prefix = ''): Record<string, string | null> {
    return Object.fromEntries(
      fs.readdirSync(join(dir, prefix), { withFileTypes: true }).flatMap((entry) => {
        const path = `${prefix}${entry.name}`;
        if (!entry.isDirectory()) return [[path, fs.readFileSync(join(dir, path), 'utf8')]];
        return [[path, null], ...Object.entries(treeOf(dir, `${path}/`))];
      }),
    );
  }

  return { engine, newSandbox, isIdle, address, unpack, unpacked };
}
