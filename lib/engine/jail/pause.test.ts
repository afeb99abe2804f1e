import { Sandbox, TimeoutError } from '@moru-ai/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { bestTimeMs } from '../../test-support/runs';
import { canRun, type ProcessEngine, startProcessEngine, until } from './test-process-engine';

/** Tests both methods: control groups if the machine permits them, and signals. */
describe.runIf(canRun).each([
  { method: 'control groups', useCgroups: true },
  { method: 'signals', useCgroups: false },
])('pausing with $method', ({ useCgroups }) => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine({ useCgroups });
  });

  const pause = (sandbox: Sandbox) => Sandbox.betaPause(sandbox.sandboxId, engine.connection);
  const resume = (sandbox: Sandbox) => Sandbox.connect(sandbox.sandboxId, engine.connection);
  const readCount = async (sandbox: Sandbox) => Number((await sandbox.files.read('/tmp/count')) || 0);

  test('continues processes with the same pids', async () => {
    const sandbox = await engine.create();
    const loop = await sandbox.commands.run(
      'echo 0 >/tmp/count; i=0; while :; do i=$((i+1)); echo $i >/tmp/next; mv /tmp/next /tmp/count; sleep 0.02; done',
      {
        background: true,
        timeoutMs: 0,
      },
    );
    const sleeping = sandbox.commands.run('until [ -e /tmp/go ]; do sleep 0.1; done; echo slept', {
      background: true,
      timeoutMs: 0,
    });
    const { pid } = await sleeping;
    await until(async () => (await readCount(sandbox)) > 3);
    const ended = loop.wait().catch((error: unknown) => error);

    const startedMs = performance.now();
    expect(await pause(sandbox)).toBe(true);
    // Shorter than the timeout of a silent agent.
    expect(performance.now() - startedMs).toBeLessThan(9_900);
    expect(await ended).toMatchObject({
      name: 'SandboxError',
      message: expect.stringContaining('terminated'),
    });
    await expect(sandbox.commands.list()).rejects.toThrow();
    const ticks = () => engine.processes(sandbox.sandboxId).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0);
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(ticks()).toBe(before);

    await resume(sandbox);
    const pids = (await sandbox.commands.list()).map((process) => process.pid);
    expect(pids).toEqual([loop.pid, pid]);
    const atResume = await readCount(sandbox);
    await until(async () => (await readCount(sandbox)) > atResume + 3);
    const again = await sandbox.commands.connect(pid, { timeoutMs: 0 });
    await sandbox.files.write('/tmp/go', '');
    expect((await again.wait()).stdout).toBe('slept\n');
    await sandbox.kill();
  });

  test('is invisible to an interactive shell with a foreground job', async () => {
    const sandbox = await engine.create();
    let output = '';
    const onData = (data: Uint8Array) => {
      output += Buffer.from(data).toString();
    };
    const terminal = await sandbox.pty.create({ cols: 80, rows: 24, timeoutMs: 0, onData });
    terminal.wait().catch(() => {});
    await sandbox.pty.sendInput(
      terminal.pid,
      Buffer.from('sleep 40 & bash -c "sleep 3; sleep 0.2"; echo do"ne"\n'),
    );
    await until(() => engine.processes(sandbox.sandboxId).length >= 6);
    for (let round = 0; round < 3; round += 1) {
      await pause(sandbox);
      await resume(sandbox);
    }
    const again = await sandbox.pty.connect(terminal.pid, { timeoutMs: 0, onData });
    again.wait().catch(() => {});
    await until(() => output.includes('done'));
    await sandbox.pty.sendInput(terminal.pid, Buffer.from('jobs\n'));
    await until(() => output.includes('Running'));
    expect(output).not.toMatch(/Stopped/i);
    await sandbox.kill();
  });

  test('stops processes that are being forked', async () => {
    const sandbox = await engine.create();
    const script = 'for n in 1 2 3; do (while :; do /bin/true; done) & done; wait';
    await sandbox.commands.run(script, { background: true, timeoutMs: 0 });
    await until(() => engine.processes(sandbox.sandboxId).length > 5);
    for (let round = 0; round < 5; round += 1) {
      await pause(sandbox);
      const ids = () => engine.processes(sandbox.sandboxId).map(({ pid, cpuTicks }) => `${pid}:${cpuTicks}`);
      const before = ids();
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(ids()).toEqual(before);
      await resume(sandbox);
    }
    expect(await sandbox.commands.list()).toHaveLength(1);
    await sandbox.kill();
  });

  test('suspends the deadline of a command', async () => {
    const sandbox = await engine.create();
    await sandbox.commands.run('true');
    const survives = async (timeoutMs: number) => {
      try {
        const { pid } = await sandbox.commands.run('sleep 120', { background: true, timeoutMs });
        await pause(sandbox);
        await new Promise((resolve) => setTimeout(resolve, timeoutMs + 100));
        await resume(sandbox);
        return (await sandbox.commands.list()).some((process) => process.pid === pid);
      } catch (error) {
        if (error instanceof TimeoutError) return false;
        throw error;
      }
    };
    // A busy machine may use up the shorter ones before and after the pause.
    expect((await survives(1_000)) || (await survives(5_000)) || (await survives(25_000))).toBe(true);
    await until(async () => (await sandbox.commands.list()).length === 0);
    await sandbox.kill();
  });

  test('allows an immediate kill', async () => {
    const tookMs = await bestTimeMs(1_900, async () => {
      const sandbox = await engine.create();
      await sandbox.commands.run('sleep 50', { background: true, timeoutMs: 0 });
      const first = engine.init(sandbox.sandboxId);
      await pause(sandbox);
      const startedMs = performance.now();
      expect(await Sandbox.kill(sandbox.sandboxId, engine.connection)).toBe(true);
      const endedMs = performance.now();
      await until(() => !first || engine.processes(sandbox.sandboxId).length === 0);
      return endedMs - startedMs;
    });
    // Shorter than the wait for calls that hang.
    expect(tookMs).toBeLessThan(1_900);
  });
});
