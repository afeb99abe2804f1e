import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { canRun } from '../../engine/jail/test-process-engine';
import { apiOf } from '../../sandbox-api/configured';
import { eventually } from '../../test-support/environment';
import { auditLog as accessTo } from '../../wake/test-wake';
import { recordCancel } from '../record/store';
import { recordNew } from '../test-operations';
import { setUpArchiving } from './test-archiving';

const RESUME = 'POST /sandboxes/*/resume';
const PAUSE = 'POST /sandboxes/*/pause';

describe.runIf(canRun)('archiving before a kill', () => {
  const {
    engine,
    archiveDir,
    openRunner,
    create,
    tarThat,
    stateOf,
    fault,
    input,
    start,
    outcomes,
    kill,
    listed,
    kept,
  } = setUpArchiving();

  it('records the archive', async () => {
    const sandbox = await create();
    const { operation, items } = await kill([sandbox]);
    const name = `${operation.id}/local.${sandbox.id}.tar.gz`;
    const item = items[sandbox.key];
    expect(item).toMatchObject({ outcome: 'done', message: null, saved: { name, leftOut: 0 } });
    expect(item?.saved?.bytes).toBe(fs.statSync(join(archiveDir, name)).size);
    expect(listed(name)).toHaveLength(item?.saved?.entries ?? -1);
    expect(listed(name)).toContain('user/out/result');
    expect(await stateOf(sandbox.id)).toBe('gone');
    const { bytes, entries } = item?.saved ?? {};
    expect(await accessTo(sandbox.key)).toEqual([
      `ana | exported | ${entries} entries, ${bytes} bytes, as ${name}`,
    ]);
  });

  it('includes files that processes write when they are stopped', async () => {
    const sandbox = await create();
    const script = 'trap "echo last > /home/user/last; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const { Sandbox: Sdk } = await import('@moru-ai/core');
    const handle = await Sdk.connect(sandbox.id, engine().connection);
    await new Promise<void>((resolve, reject) => {
      const onStdout = (text: string) => void (text.includes('ready') && resolve());
      handle.commands
        .run(`exec /bin/sh -c '${script}'`, { background: true, timeoutMs: 0, onStdout })
        .then(async (running) => void (await running.wait().catch(() => {})), reject);
    });
    const { items } = await kill([await apiOf(sandbox.key).getSandbox(sandbox.key)], { graceMs: 20_000 });
    expect(items[sandbox.key]?.message).toMatch(/^Its processes ended within /);
    expect(listed(items[sandbox.key]?.saved?.name ?? '')).toContain('user/last');
  });

  it('wakes a paused sandbox and kills it without pausing it again', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: `POST /sandboxes/${sandbox.id}/pause`, latencyMs: 1 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.key]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(listed(items[sandbox.key]?.saved?.name ?? '')).toContain('user/out/result');
    expect(await stateOf(sandbox.id)).toBe('gone');
    const { json } = await engine().api('GET', '/engine/faults');
    expect(json).toMatchObject([{ fired: 0 }]);
    expect(await accessTo(sandbox.key)).toEqual([
      expect.stringMatching(
        /^ana \| review-woken \| For 5 min, to save its files before a kill; its timeout now pauses/,
      ),
      expect.stringMatching(/^ana \| exported \| /),
      '– | review-ended | Terminated',
    ]);
  });

  it('does not kill on a failure, and pauses a paused sandbox again', async () => {
    const running = await create();
    const paused = await create({ isPaused: true });
    const { operation, items } = await kill([running, paused], { exportPath: '/nowhere' });
    const message = 'Not archived, so not killed. /nowhere does not exist in the sandbox.';
    expect(items[running.key]).toMatchObject({ outcome: 'failed', message });
    expect(items[paused.key]).toMatchObject({ outcome: 'failed', message: `${message} It is paused.` });
    expect([await stateOf(running.id), await stateOf(paused.id)]).toEqual(['running', 'paused']);
    expect(kept(operation)).toEqual([]);
    expect(items[running.key]).not.toHaveProperty('saved');
    expect((await accessTo(paused.key)).at(-1)).toBe('ana | review-paused | The task was done');
  });

  it('does not kill if tar fails silently', async () => {
    const sandbox = await create();
    await tarThat(sandbox, '/usr/bin/tar "$@"; exit 2');
    const { operation, items } = await kill([sandbox]);
    expect(items[sandbox.key]).toMatchObject({
      outcome: 'failed',
      message: 'Not archived, so not killed. The archive is incomplete. Try again.',
    });
    expect(await stateOf(sandbox.id)).toBe('running');
    expect(kept(operation)).toEqual([]);
  });

  it('does not kill if the sandbox cannot be woken', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: RESUME, status: 429 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.key]?.outcome).toBe('failed');
    expect(items[sandbox.key]?.message).toMatch(
      /so not killed\. The limit of concurrently running .* It is paused\.$/,
    );
    expect(await stateOf(sandbox.id)).toBe('paused');
  });

  it('skips a sandbox that someone else wakes at the same moment', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: RESUME, effect: 'lose-race' });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.key]).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('Someone else resumed it in the meantime.'),
    });
    expect(await stateOf(sandbox.id)).not.toBe('gone');
  });

  it('skips a sandbox that someone else woke while it was queued', async () => {
    const slow = await Promise.all(Array.from({ length: 4 }, () => create({ isSlow: true })));
    const sandbox = await create({ isPaused: true });
    const { runner, said } = openRunner();
    const slowly = await input(slow);
    start(runner, slowly, slow);
    for (const { key } of slow) await eventually(() => said(key, 'Archiving its files'));
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 1 });
    const operation = await input([sandbox]);
    start(runner, operation, [sandbox]);
    // It has been read and has not changed.
    await eventually(async () => {
      const { json } = await engine().api('GET', '/engine/faults');
      return (json as { fired: number }[])[0]?.fired === 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await engine().api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
    await engine().api('POST', `/sandboxes/${sandbox.id}/pause`);
    await recordCancel(slowly.id, 'ana', Date.now());
    runner.cancel(slowly.id, 'ana', Date.now());
    expect((await outcomes(operation))[sandbox.key]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was resumed in the meantime.',
    });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(await accessTo(sandbox.key)).toEqual([]);
  });

  it('does not kill if the archive cannot be written', async () => {
    const sandbox = await create();
    const operation = await input([sandbox]);
    fs.writeFileSync(join(archiveDir, operation.id), 'in the way');
    const { runner } = openRunner();
    start(runner, operation, [sandbox]);
    expect((await outcomes(operation))[sandbox.key]).toMatchObject({
      outcome: 'failed',
      message: 'Not archived, so not killed. The archive directory is not a directory.',
    });
    expect(await stateOf(sandbox.id)).toBe('running');
  });

  it('retries when the service throttles', async () => {
    // Enough sandboxes to be read from the list, so that only the archive reads a single one.
    const all = await Promise.all(Array.from({ length: 11 }, () => create()));
    const [throttled] = all;
    await fault({ route: `GET /sandboxes/${throttled?.id}`, status: 429, retryAfterSeconds: 1, count: 2 });
    const { items } = await kill(all);
    for (const { key } of all) expect(items[key]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(throttled && items[throttled.key]?.tookMs).toBeGreaterThan(1_000);
  });

  it('skips a sandbox that changes while it is archived', async () => {
    const sandbox = await create();
    const { runner, said } = openRunner();
    const operation = await input([sandbox]);
    // The sandbox is paused between the archive and the reading before the kill.
    await tarThat(sandbox, 'sleep 1; exec /usr/bin/tar "$@"');
    start(runner, operation, [sandbox]);
    await eventually(() => said(sandbox.key, 'Archiving its files'));
    await eventually(
      async () =>
        (await (await apiOf(sandbox.key).openEnvd(sandbox.key)).listProcesses(AbortSignal.timeout(120_000)))
          .length > 0,
    );
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 3_000 });
    await eventually(() => kept(operation).includes(`local.${sandbox.id}.tar.gz`));
    await engine().api('POST', `/sandboxes/${sandbox.id}/pause`);
    expect((await outcomes(operation))[sandbox.key]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was running and is now paused.',
      saved: { leftOut: 0 },
    });
    expect(await stateOf(sandbox.id)).toBe('paused');
  });

  it('keeps the archive and the pause if the kill fails', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: `DELETE /sandboxes/${sandbox.id}`, status: 403 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.key]).toMatchObject({ outcome: 'denied', saved: { leftOut: 0 } });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(listed(items[sandbox.key]?.saved?.name ?? '')).toContain('user/out/result');
  });

  it('stops while archiving, without a kill', async () => {
    const running = await create({ isSlow: true });
    const paused = await create({ isSlow: true, isPaused: true });
    const { runner, said } = openRunner();
    const operation = await input([running, paused]);
    start(runner, operation, [running, paused]);
    for (const { key } of [running, paused]) await eventually(() => said(key, 'Archiving its files'));
    expect(await recordCancel(operation.id, 'bo', Date.now())).toBe(true);
    runner.cancel(operation.id, 'bo', Date.now());
    const items = await outcomes(operation);
    for (const { key } of [running, paused])
      expect(items[key]).toMatchObject({
        outcome: 'cancelled',
        message: 'Stopped while its files were being archived. It was not killed.',
      });
    expect([await stateOf(running.id), await stateOf(paused.id)]).toEqual(['running', 'paused']);
    expect(kept(operation)).toEqual([]);
  });

  it('does not block other operations', async () => {
    const slow = await Promise.all(Array.from({ length: 6 }, () => create({ isSlow: true })));
    const quick = await create();
    const { runner, said } = openRunner();
    const slowly = await input(slow);
    start(runner, slowly, slow);
    await eventually(() => slow.filter(({ key }) => said(key, 'Archiving its files')).length === 4);
    const plain = await recordNew([quick]);
    start(runner, plain, [quick]);
    expect((await outcomes(plain))[quick.key]?.outcome).toBe('done');
    expect(slow.filter(({ key }) => said(key, 'Archiving its files'))).toHaveLength(4);
    await recordCancel(slowly.id, 'ana', Date.now());
    runner.cancel(slowly.id, 'ana', Date.now());
    await outcomes(slowly);
  });

  it('retries the pause until it succeeds', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: PAUSE, status: 500, count: 1 });
    const { items } = await kill([sandbox], { exportPath: '/nowhere' });
    expect(items[sandbox.key]?.message).toMatch(/Sandkeeper keeps trying to pause it\.$|It is paused\.$/);
    await vi.waitFor(async () => expect(await stateOf(sandbox.id)).toBe('paused'), { timeout: 60_000 });
  });
});
