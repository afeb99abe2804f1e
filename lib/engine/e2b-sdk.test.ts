import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox, type SandboxInfo, Template, Volume } from 'e2b';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { apiKeyFor } from './dialect';
import { canRun, type ProcessEngine, startProcessEngine } from './jail/test-process-engine';

/** Uses E2B's published SDK with the three variables that the engine prints. */

describe.runIf(canRun)("E2B's SDK", () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine();
  });

  beforeEach(() => {
    vi.stubEnv('E2B_API_URL', engine.url);
    vi.stubEnv('E2B_SANDBOX_URL', engine.url);
    vi.stubEnv('E2B_API_KEY', apiKeyFor('e2b', engine.apiKey));
    return () => vi.unstubAllEnvs();
  });

  afterEach(async () => {
    for (const { sandboxId } of await listAll()) await Sandbox.kill(sandboxId);
  });

  async function listAll(options?: Parameters<typeof Sandbox.list>[0]): Promise<SandboxInfo[]> {
    const paginator = Sandbox.list(options);
    const found: SandboxInfo[] = [];
    while (paginator.hasNext) found.push(...(await paginator.nextItems()));
    return found;
  }

  test('creates a sandbox, reads how it ends, and kills it without a process left', async () => {
    const sandbox = await Sandbox.create({
      metadata: { team: 'data' },
      timeoutMs: 120_000,
      lifecycle: { onTimeout: 'pause', autoResume: true },
      network: { denyOut: ['0.0.0.0/0'], maskRequestHost: 'app.example' },
      allowInternetAccess: false,
    });
    const { startedAt, endAt, ...info } = await sandbox.getInfo();
    expect(info).toMatchObject({
      templateId: 'base',
      name: 'base',
      state: 'running',
      metadata: { team: 'data' },
      lifecycle: { onTimeout: 'pause', autoResume: true },
      network: { denyOut: ['0.0.0.0/0'], maskRequestHost: 'app.example' },
      allowInternetAccess: false,
      volumeMounts: [],
    });
    expect(endAt.getTime() - startedAt.getTime()).toBe(120_000);
    expect(await sandbox.getMetrics()).toMatchObject([{ cpuUsedPct: 0, memUsed: 0, memCache: 0 }]);

    const { stdout } = await sandbox.commands.run('env | grep -E "^(E2B|MORU)_" | sort');
    expect(stdout.trim().split('\n')).toEqual([
      'E2B_SANDBOX=true',
      `E2B_SANDBOX_ID=${sandbox.sandboxId}`,
      'E2B_TEMPLATE_ID=base',
    ]);
    await sandbox.commands.run('for i in 1 2 3 4 5; do sleep 300 & done; sleep 300', { background: true });
    await expect.poll(() => engine.processes(sandbox.sandboxId).length).toBeGreaterThan(6);
    const first = engine.init(sandbox.sandboxId);
    expect(await sandbox.kill()).toBe(true);
    expect(readdirSync('/proc')).not.toContain(String(first?.pid));
    expect(readdirSync(join(engine.dataDir, 'guests'))).not.toContain(sandbox.sandboxId);
    expect(await sandbox.isRunning()).toBe(false);
    expect(await Sandbox.kill(sandbox.sandboxId)).toBe(false);
  });

  test('lists by metadata, state, template and start, in either order', async () => {
    const created = [];
    for (const [template, team] of [
      ['base', 'data'],
      ['python', 'data'],
      ['base', 'web'],
    ] as const) {
      created.push((await Sandbox.create(template, { metadata: { team } })).sandboxId);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const ids = async (options: Parameters<typeof Sandbox.list>[0]) =>
      (await listAll(options)).map(({ sandboxId }) => sandboxId);
    expect(await ids({ order: 'asc', limit: 1 })).toEqual(created);
    expect(await ids({ query: { metadata: { team: 'data' } } })).toEqual([created[1], created[0]]);
    expect(await ids({ query: { template: 'python' } })).toEqual([created[1]]);
    const { startedAt } = await Sandbox.getInfo(created[1] ?? '');
    expect(await ids({ query: { startedAfter: startedAt } })).toEqual([created[2], created[1]]);
    expect(await Sandbox.pause(created[0] ?? '')).toBe(true);
    expect(await ids({ query: { state: ['paused'] } })).toEqual([created[0]]);
  });

  test('runs commands with input and exit codes, and reads and writes files', async () => {
    const sandbox = await Sandbox.create();
    const failing = sandbox.commands.run('echo out; echo err >&2; exit 3');
    await expect(failing).rejects.toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
    const reader = await sandbox.commands.run('read line; echo "got $line"', {
      background: true,
      stdin: true,
    });
    await sandbox.commands.sendStdin(reader.pid, 'hello\n');
    expect((await reader.wait()).stdout).toBe('got hello\n');
    for (let round = 0; round < 10; round += 1) {
      const sleeper = await sandbox.commands.run('sleep 300', { background: true });
      expect(await sandbox.commands.kill(sleeper.pid)).toBe(true);
      expect(await sandbox.commands.list()).toEqual([]);
    }

    await sandbox.files.write([
      { path: 'a.txt', data: 'first' },
      { path: 'deep/b.bin', data: new Uint8Array([0, 255, 10]).buffer },
    ]);
    expect(await sandbox.files.read('a.txt')).toBe('first');
    expect([...(await sandbox.files.read('deep/b.bin', { format: 'bytes' }))]).toEqual([0, 255, 10]);
    await sandbox.files.rename('a.txt', 'c.txt');
    expect((await sandbox.files.list('.')).map(({ name }) => name).sort()).toEqual([
      '.bashrc',
      'c.txt',
      'deep',
    ]);
    await sandbox.files.remove('deep');
    expect(await sandbox.files.exists('deep')).toBe(false);
    const url = await sandbox.downloadUrl('c.txt');
    expect(await (await fetch(url)).text()).toBe('first');
  });

  test('opens a terminal, resizes it and types', async () => {
    const sandbox = await Sandbox.create();
    let text = '';
    const terminal = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      onData: (bytes) => {
        text += Buffer.from(bytes).toString();
      },
      timeoutMs: 0,
    });
    await sandbox.pty.resize(terminal.pid, { cols: 100, rows: 30 });
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('stty size\n'));
    // The kernel may drop what is written right before the end of a terminal's session.
    await expect.poll(() => text).toContain('30 100');
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('exit 5\n'));
    await expect(terminal.wait()).rejects.toMatchObject({ exitCode: 5 });
  });

  test('pauses with and without memory, and connects again', async () => {
    const sandbox = await Sandbox.create();
    await sandbox.files.write('kept', 'yes');
    const running = async () => (await sandbox.commands.list()).length;
    const boots = new Set<string>();
    const boot = async () =>
      boots.add((await sandbox.commands.run('cat /proc/sys/kernel/random/boot_id')).stdout).size;
    expect(await boot()).toBe(1);
    await sandbox.commands.run('sleep 300', { background: true });
    expect(await sandbox.pause()).toBe(true);
    expect(await Sandbox.pause(sandbox.sandboxId)).toBe(false);
    expect(await sandbox.isRunning()).toBe(false);
    await sandbox.connect();
    expect(await running()).toBe(1);
    expect(await boot()).toBe(1);

    expect(await sandbox.pause({ keepMemory: false })).toBe(true);
    expect(engine.processes(sandbox.sandboxId)).toEqual([]);
    await sandbox.connect();
    expect(await running()).toBe(0);
    expect(await boot()).toBe(2);
    expect(await sandbox.files.read('kept')).toBe('yes');

    await sandbox.commands.run('sleep 300', { background: true });
    await sandbox.pause();
    await sandbox.connect({ onResume: 'reboot' });
    expect(await running()).toBe(0);
    expect(await boot()).toBe(3);
    const [fork] = await sandbox.fork();
    if (fork === undefined || fork instanceof Error) throw new Error('expected a fork');
    const inFork = await fork.commands.run('cat /proc/sys/kernel/random/boot_id; pgrep -c sleep; cat kept');
    const [forkBoot = '', ...rest] = inFork.stdout.split('\n');
    // A fork has the files alone.
    expect(rest).toEqual(['0', 'yes']);
    expect([...boots, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')]).not.toContain(
      `${forkBoot}\n`,
    );
    expect(forkBoot).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('wakes a paused sandbox by a command', async () => {
    const sandbox = await Sandbox.create({ lifecycle: { onTimeout: 'pause', autoResume: true } });
    await sandbox.commands.run('sleep 300', { background: true });
    await sandbox.pause();
    expect((await sandbox.commands.run('echo awake')).stdout).toBe('awake\n');
    expect((await sandbox.getInfo()).state).toBe('running');
  });

  test('makes snapshots and forks, and starts sandboxes from them', async () => {
    const sandbox = await Sandbox.create();
    await sandbox.files.write('notes', 'first', { metadata: { author: 'ana' } });
    const snapshot = await sandbox.createSnapshot({ name: 'from-the-sdk' });
    expect(snapshot).toEqual({ snapshotId: 'local/from-the-sdk:default', names: ['local/from-the-sdk'] });
    await sandbox.files.write('notes', 'second');
    const copy = await Sandbox.create(snapshot.snapshotId);
    expect(await copy.files.read('notes')).toBe('first');
    expect((await copy.files.getInfo('notes')).metadata).toEqual({ author: 'ana' });
    const [fork, ...others] = await sandbox.fork();
    if (fork === undefined || fork instanceof Error || others.length > 0)
      throw new Error('expected one fork');
    expect(await fork.files.read('notes')).toBe('second');
    expect(await fork.commands.run('echo $E2B_SANDBOX_ID')).toMatchObject({ stdout: `${fork.sandboxId}\n` });

    const list = Sandbox.listSnapshots({ sandboxId: sandbox.sandboxId });
    expect(await list.nextItems()).toEqual([snapshot]);
    expect(list.hasNext).toBe(false);
    expect(await Sandbox.deleteSnapshot(snapshot.snapshotId)).toBe(true);
    expect(await Sandbox.deleteSnapshot(snapshot.snapshotId)).toBe(false);
    expect(await copy.isRunning()).toBe(true);
  });

  test('assigns template tags, and learns what the engine does not offer', async () => {
    expect(await Template.exists('base')).toBe(true);
    expect(await Template.exists('nope')).toBe(false);
    await Template.assignTags('base', ['stable']);
    expect((await Template.getTags('base')).map(({ tag }) => tag)).toEqual(['default', 'stable']);
    expect((await Sandbox.create('base:stable')).sandboxId).toMatch(/^i/);
    await Template.removeTags('base', ['stable']);
    await expect(Sandbox.create('base:stable')).rejects.toThrow('404');
    await expect(Volume.create('data')).rejects.toThrow('501: The local engine does not offer volumes.');
    await expect(Sandbox.create({ network: { allowOut: ['8.8.8.8'] } })).rejects.toThrow(
      'network.allowOut: not enforced by the local engine',
    );
  });
});
