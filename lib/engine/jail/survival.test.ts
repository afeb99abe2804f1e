import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Sandbox } from '@moru-ai/core';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { removeTree } from '../../test-support/remove-tree';
import type { Engine } from '../engine';
import { isSameProcess } from './process-tree';
import {
  canRun,
  type ProcessEngine,
  processEngineOf,
  startProcessEngine,
  until,
} from './test-process-engine';

describe.runIf(canRun)('an engine with processes', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ sampleEveryMs: 300 });
  });

  afterAll(async () => {
    if (engineBundle) rmSync(await engineBundle, { recursive: true, force: true });
  });

  test('pauses, resumes and kills a sandbox as documented by the service', async () => {
    const { connection } = engine;
    let sandbox = await engine.create();
    const id = sandbox.sandboxId;
    expect((await sandbox.commands.run("echo 'Hello'")).stdout).toBe('Hello\n');
    await sandbox.files.write('/data/important.txt', 'Preserve this!');
    await Sandbox.betaPause(id, connection);
    sandbox = await Sandbox.connect(id, connection);
    expect(await sandbox.files.read('/data/important.txt')).toBe('Preserve this!');

    const script = 'python3 -c "import time\nwhile True: time.sleep(1)"';
    const server = await sandbox.commands.run(`exec ${script}`, { background: true, timeoutMs: 0 });
    await until(() => engine.processes(id).length > 2);
    // It is still a shell for a moment.
    await sandbox.commands.run('until pkill -SIGTERM python3; do sleep 0.05; done');
    await expect(server.wait()).rejects.toMatchObject({ error: 'signal: terminated' });

    await sandbox.commands.run('setsid sleep 600 & (trap "" TERM HUP; sleep 600) & true', {
      background: true,
    });
    await until(() => engine.processes(id).length > 3);
    const processes = engine.processes(id);
    const startedMs = performance.now();
    expect(await Sandbox.kill(id, connection)).toBe(true);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(processes.filter(isSameProcess)).toEqual([]);
    expect(existsSync(engine.guestDir(id))).toBe(false);
    expect(await Sandbox.kill(id, connection)).toBe(false);
    await expect(Sandbox.connect(id, connection)).rejects.toThrow();
    expect(await sandbox.isRunning()).toBe(false);
  });

  test('stays responsive during a fork bomb', async () => {
    const sandbox = await engine.create();
    const other = await engine.create();
    await sandbox.commands.run('bomb() { bomb | bomb & }; bomb', { background: true, timeoutMs: 0 });
    await until(() => engine.processes(sandbox.sandboxId).length > 100);
    expect(engine.processes(sandbox.sandboxId).length).toBeLessThan(300);
    const startedMs = performance.now();
    expect((await other.commands.run('echo fine')).stdout).toBe('fine\n');
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    const processes = engine.processes(sandbox.sandboxId);
    expect(await Sandbox.kill(sandbox.sandboxId, engine.connection)).toBe(true);
    expect(processes.filter(isSameProcess)).toEqual([]);
  }, 120_000);

  test('reports processes as killed with their agent, and starts a new agent', async () => {
    const sandbox = await engine.create();
    const running = await sandbox.commands.run('sleep 80', { background: true, timeoutMs: 0 });
    await sandbox.files.write('/data/kept', 'kept');
    const [, agent] = engine.processes(sandbox.sandboxId);
    await sandbox.commands.run('kill -9 $(pgrep envd)', { user: 'root' }).catch(() => {});
    await expect(running.wait()).rejects.toMatchObject({ error: 'signal: killed' });
    expect(agent && isSameProcess(agent)).toBe(false);
    expect((await sandbox.commands.run('cat /data/kept')).stdout).toBe('kept');
    expect(await sandbox.commands.list()).toEqual([]);
  });

  test('keeps the agent running after SIGTERM, SIGINT and pkill node', async () => {
    const sandbox = await engine.create();
    const running = await sandbox.commands.run('sleep 81', { background: true, timeoutMs: 0 });
    await sandbox.commands.run('pkill -TERM envd; pkill node; pkill -INT envd; true');
    expect((await sandbox.commands.list()).map(({ pid }) => pid)).toEqual([running.pid]);
  });

  test('restarts a sandbox that replaced its directories with links', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const outside = mkdtempSync(join(tmpdir(), 'sandkeeper-outside-'));
    onTestFinished(() => removeTree(outside));
    const script = `agent=$(pgrep envd); mkdir /tmp/lib64; mv /home /home2; rm -rf /data; mv /run /run2; mv /etc /etc2
      for place in etc run data home; do ln -s ${outside} /$place; done; ln -sfn /tmp/lib64 /lib64; kill -9 $agent`;
    await sandbox.commands.run(script, { user: 'root' }).catch(() => {});
    await until(() => engine.init(sandbox.sandboxId) === null);
    const { stdout } = await sandbox.commands.run('echo up; readlink /lib64', { cwd: '/' });
    expect(stdout).toBe('up\nusr/lib64\n');
    expect(existsSync(join(outside, 'alternatives'))).toBe(false);
    symlinkSync('/etc', join(outside, 'trap'));
    expect(await Sandbox.kill(sandbox.sandboxId, engine.connection)).toBe(true);
    expect(existsSync(outside)).toBe(true);
  });

  test('measures CPU, memory and disk use', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('head -c 5000000 /dev/zero >/data/big; while :; do :; done', {
      background: true,
      timeoutMs: 0,
    });
    type Metric = { cpuUsedPct: number; memUsed: number; diskUsed: number };
    let metrics: Metric[] = [];
    await until(async () => {
      metrics = (await engine.api('GET', `/sandboxes/${sandbox.sandboxId}/metrics`)).json as Metric[];
      return metrics.some(({ cpuUsedPct, diskUsed }) => cpuUsedPct > 1 && diskUsed > 5_000_000);
    }, 120_000);
    expect(metrics.at(-1)?.memUsed).toBeGreaterThan(1_000_000);
    await sandbox.kill();
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'kills its processes on %s and logs it after a restart',
    async (signal) => {
      const dataDir = mkdtempSync(join(tmpdir(), 'sandkeeper-crash-'));
      onTestFinished(() => removeTree(dataDir));
      const crashed = await startCrashableEngine(dataDir);
      const sandbox = await crashed.engine.create();
      const id = sandbox.sandboxId;
      await sandbox.files.write('/data/kept', 'kept');
      const { pid } = await sandbox.commands.run('sleep 82', { background: true, timeoutMs: 0 });
      await until(() => crashed.engine.processes(id).length > 2);
      const kept = join(crashed.engine.guestDir(id), 'processes.json');
      await until(() => readFileSync(kept, 'utf8').includes('sleep 82'));
      const processes = crashed.engine.processes(id);
      crashed.child.kill(signal);
      await until(() => !processes.some(isSameProcess));

      await until(() => crashed.child.exitCode !== null || crashed.child.signalCode !== null);
      const { engine: restarted } = await startCrashableEngine(dataDir);
      const listed = await restarted.api('GET', `/sandboxes/${id}`);
      expect(listed.json).toMatchObject({ state: 'running' });
      const log = (await restarted.logs(id)).at(-1);
      expect(log).toMatchObject({ eventType: 'process_end', fields: { pid: String(pid) } });
      const again = await Sandbox.connect(id, restarted.connection);
      expect((await again.commands.run('cat /data/kept')).stdout).toBe('kept');
    },
    120_000,
  );
});

/** Starts an engine in its own process, so that tests can kill it. */
async function startCrashableEngine(
  dataDir: string,
): Promise<{ child: ChildProcess; engine: ProcessEngine }> {
  engineBundle ??= bundleEngine();
  const directory = await engineBundle;
  const args = [join(directory, 'engine.mjs'), '--port', '0', '--data-dir', dataDir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ready = await new Promise<Engine>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Engine));
    child.once('exit', () => reject(new Error('the engine did not start')));
  });
  return { child, engine: processEngineOf({ ...ready, dataDir }) };
}

let engineBundle: Promise<string> | undefined;

async function bundleEngine(): Promise<string> {
  // The bundle resolves packages from a parent directory.
  const directory = join(dirname(fileURLToPath(import.meta.url)), `../../../build/test-${process.pid}`);
  await Promise.all([
    bundle('main.ts', join(directory, 'engine.mjs')),
    bundle('jail/agent.ts', join(directory, 'agent.mjs')),
  ]);
  return directory;
}

async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), '..', entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
}
