import type { Sandbox } from '@moru-ai/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { canRun, type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import { localKey, setUpDataDir, thrownBy } from '../../test-support/environment';
import { askToEnd } from './graceful';

setUpDataDir();

/** Long enough on a busy machine. */
const AMPLE_MS = 20_000;

describe.runIf(canRun)('askToEnd', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    engine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
  });

  /** Starts `script` in the background and waits until it says `ready`. */
  async function start(sandbox: Sandbox, script: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onStdout = (text: string) => {
        if (text.includes('ready')) resolve();
      };
      sandbox.commands
        .run(`exec /bin/sh -c '${script}'`, { background: true, timeoutMs: 0, onStdout })
        .then(async (handle) => void (await handle.wait().catch(() => {})))
        .catch(reject);
    });
  }

  const sandboxKeyOf = (sandbox: Sandbox) => localKey(sandbox.sandboxId);

  /** The number of processes besides the first one, its launcher and the agent. */
  const count = (sandbox: Sandbox) => engine.processes(sandbox.sandboxId).length;

  it('gives processes time to write files', async () => {
    const sandbox = await engine.create();
    await start(
      sandbox,
      'trap "sleep 0.3; date > /data/last; cp /data/last /data/copy; exit 0" TERM; echo ready; while :; do sleep 0.1; done',
    );
    const end = await askToEnd(sandboxKeyOf(sandbox), AMPLE_MS);
    expect(end).toEqual({ kind: 'ended', tookMs: expect.any(Number) });
    expect(await sandbox.files.read('/data/copy')).toBe(await sandbox.files.read('/data/last'));
    expect(await sandbox.commands.list()).toEqual([]);
  });

  it('counts processes that ignore SIGTERM, without killing them', async () => {
    const sandbox = await engine.create();
    const deaf = 'trap "" TERM; echo ready; while :; do read -r _; done < /dev/zero';
    await start(sandbox, deaf);
    await start(sandbox, deaf);
    await start(sandbox, 'echo ready; sleep 600');
    const startedMs = performance.now();
    expect(await askToEnd(sandboxKeyOf(sandbox), 1_500)).toEqual({ kind: 'outlasted', left: 2 });
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThanOrEqual(1_500);
    expect(tookMs).toBeLessThan(30_000);
    expect(await sandbox.commands.list()).toHaveLength(2);
  });

  it('reaches children, daemons and stopped processes', async () => {
    const sandbox = await engine.create();
    const idle = count(sandbox);
    await start(
      sandbox,
      'setsid sh -c "trap \\"touch /data/daemon; exit\\" TERM; while :; do sleep 0.1; done" & (sleep 600 & kill -STOP $!; sleep 600 & wait) & sleep 0.3; echo ready; wait',
    );
    for (let made = 0; made < 40; made += 1) {
      void sandbox.commands.run('sleep 600 & wait', { background: true, timeoutMs: 0 }).catch(() => {});
    }
    await expect.poll(async () => (await sandbox.commands.list()).length).toBe(41);
    expect(await askToEnd(sandboxKeyOf(sandbox), AMPLE_MS)).toMatchObject({ kind: 'ended' });
    expect(await sandbox.files.exists('/data/daemon')).toBe(true);
    expect(await sandbox.commands.list()).toEqual([]);
    expect(count(sandbox)).toBeLessThanOrEqual(idle + 3);
  });

  it('hangs up terminals after their jobs have ended', async () => {
    const sandbox = await engine.create();
    let screen = '';
    const pty = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      timeoutMs: 0,
      onData: (bytes) => {
        screen += new TextDecoder().decode(bytes);
      },
    });
    const job =
      'sh -c \'trap "sleep 1; touch /data/job; exit" TERM; echo rea""dy; while :; do sleep 0.1; done\' &\n';
    await sandbox.pty.sendInput(pty.pid, new TextEncoder().encode(job));
    await expect.poll(() => screen).toContain('ready');
    expect(await askToEnd(sandboxKeyOf(sandbox), AMPLE_MS)).toMatchObject({ kind: 'ended' });
    expect(await sandbox.files.exists('/data/job')).toBe(true);
  });

  it('returns at once without processes, and does not change the deadline', async () => {
    const sandbox = await engine.create({ timeoutMs: 120_000 });
    const before = await sandbox.getInfo();
    expect(await askToEnd(sandboxKeyOf(sandbox), 60_000)).toMatchObject({ kind: 'ended' });
    expect(await askToEnd(sandboxKeyOf(sandbox), 0)).toMatchObject({ kind: 'ended' });
    expect(await sandbox.getInfo()).toEqual(before);
  });

  it('keeps waiting if a process kills the script', async () => {
    const sandbox = await engine.create();
    await start(
      sandbox,
      'trap "sleep 0.2; pkill -KILL -f [s]andkeeper.ask; sleep 1; touch /data/kept; exit" TERM; echo ready; while :; do sleep 0.1; done',
    );
    expect(await askToEnd(sandboxKeyOf(sandbox), AMPLE_MS)).toMatchObject({ kind: 'ended' });
    expect(await sandbox.files.exists('/data/kept')).toBe(true);
  });

  it('fails if the sandbox is not running', async () => {
    const { sandboxId } = await engine.create();
    await engine.api('POST', `/sandboxes/${sandboxId}/pause`);
    expect(await thrownBy(() => askToEnd(localKey(sandboxId), 1_000))).toMatchObject({ code: 'conflict' });
    expect((await engine.api('GET', `/sandboxes/${sandboxId}`)).json).toMatchObject({ state: 'paused' });
    await engine.api('DELETE', `/sandboxes/${sandboxId}`);
    expect(await thrownBy(() => askToEnd(localKey(sandboxId), 1_000))).toMatchObject({ code: 'not_found' });
  });

  it.each([
    ['pause', 'POST', '/pause', 'conflict'],
    ['kill', 'DELETE', '', 'not_found'],
  ])('stops waiting after a %s', async (_, method, path, code) => {
    const sandbox = await engine.create();
    await start(sandbox, 'trap "touch /data/asked" TERM; echo ready; while :; do sleep 0.1; done');
    const asking = thrownBy(() => askToEnd(sandboxKeyOf(sandbox), 60_000));
    await expect.poll(() => sandbox.files.exists('/data/asked')).toBe(true);
    await engine.api(method, `/sandboxes/${sandbox.sandboxId}${path}`);
    expect(await asking).toMatchObject({ code });
  });

  it('stops waiting when aborted', async () => {
    const sandbox = await engine.create();
    await start(sandbox, 'trap "touch /data/asked" TERM; echo ready; while :; do sleep 0.1; done');
    const waiting = new AbortController();
    const asking = thrownBy(() => askToEnd(sandboxKeyOf(sandbox), 60_000, waiting.signal));
    await expect.poll(() => sandbox.files.exists('/data/asked')).toBe(true);
    waiting.abort(new Error('enough'));
    expect(await asking).toEqual(new Error('enough'));
    await expect.poll(async () => (await sandbox.commands.list()).length).toBe(1);
    expect(await thrownBy(() => askToEnd(sandboxKeyOf(sandbox), 1, waiting.signal))).toEqual(
      new Error('enough'),
    );
  });
});
