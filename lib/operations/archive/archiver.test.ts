import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../../db/client';
import { canRun, type ProcessEngine, startProcessEngine } from '../../engine/jail/test-process-engine';
import { fleetWatcher } from '../../fleet/watcher';
import type { Sandbox } from '../../sandbox/schema';
import { sandboxApi } from '../../sandbox-api/configured';
import { eventually, setUpDataDir } from '../../test-support/environment';
import { findLease } from '../../wake/store';
import { auditLog as accessTo } from '../../wake/test-wake';
import { WakeKeeper, wakeKeeper } from '../../wake/wake-keeper';
import { claimItems, recordArchive } from '../record/claims';
import { listRecorded } from '../record/record';
import { recordCancel } from '../record/store';
import type { ActParams, Operation, OperationEvent, RecordedItem } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { OperationRunner } from '../work/runner';

setUpDataDir();
const archiveDir = fs.mkdtempSync(join(tmpdir(), 'sandkeeper-archives-'));
process.env.SANDKEEPER_ARCHIVE_DIR = archiveDir;
afterAll(() => fs.rmSync(archiveDir, { recursive: true, force: true }));

const RESUME = 'POST /sandboxes/*/resume';
const PAUSE = 'POST /sandboxes/*/pause';

describe.runIf(canRun)('archiving before a kill', () => {
  let engine: ProcessEngine;
  let opened = 0;

  beforeAll(async () => {
    engine = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = engine.url;
    process.env.SANDKEEPER_ENGINE_KEY = engine.apiKey;
    await wakeKeeper().open();
  });
  afterAll(async () => {
    await wakeKeeper().close();
    await fleetWatcher().close();
  });
  beforeEach(() => void onTestFinished(async () => void (await engine.api('DELETE', '/engine/faults'))));

  /** A runner, as in a separate process. */
  function openRunner() {
    opened += 1;
    const owner = `process-${opened}`;
    const rules = {
      maxConcurrency: 16,
      protectedKey: 'protected',
      keepMs: null,
      isShared: true,
      syncMs: 200,
    };
    const runner = new OperationRunner({ owner, ...rules });
    const events: OperationEvent[] = [];
    onTestFinished(runner.listen((event) => events.push(event)));
    onTestFinished(() => runner.close());
    const said = (id: string, text: string) =>
      events.some(({ items }) =>
        items.some(({ sandboxId, message }) => sandboxId === id && message?.includes(text)),
      );
    return { runner, owner, said };
  }

  /** A sandbox with a file in its home directory. `slow`: reading it never ends. */
  async function create({ isPaused = false, isSlow = false } = {}): Promise<Sandbox> {
    const sandbox = await engine.create({ envs: { PATH: '/data/bin:/usr/bin:/bin' } });
    await sandbox.files.write('/home/user/out/result', 'mine');
    if (isSlow) await tarThat({ id: sandbox.sandboxId }, 'exec sleep 600');
    if (isPaused) await engine.api('POST', `/sandboxes/${sandbox.sandboxId}/pause`);
    return sandboxApi().getSandbox(sandbox.sandboxId);
  }

  /** Installs a `tar` that shadows the system's. */
  async function tarThat({ id }: Pick<Sandbox, 'id'>, script: string): Promise<void> {
    const bin = join(engine.guestDir(id), 'root/data/bin');
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(join(bin, 'tar'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  const stateOf = async (id: string) => {
    const { status, json } = await engine.api('GET', `/sandboxes/${id}`);
    return status === 404 ? 'gone' : (json as { state: string }).state;
  };
  const fault = (input: object) => engine.api('POST', '/engine/faults', input);

  /** Records a kill that archives first. */
  const input = (sandboxes: readonly Sandbox[], params: ActParams = {}) =>
    recordNew(sandboxes, {
      id: randomBytes(9).toString('base64url'),
      params: { exportPath: '~', ...params },
    });

  function start(runner: OperationRunner, operation: Operation, sandboxes: readonly Sandbox[]): void {
    runner.start(
      operation,
      sandboxes.map(({ id }) => waitingItem(id)),
    );
  }

  const isOver = ({ outcome }: RecordedItem) => outcome !== 'waiting' && outcome !== 'sending';

  /** Items by sandbox id. */
  async function outcomes({ id }: Operation): Promise<Record<string, RecordedItem>> {
    await eventually(async () => (await listRecorded(id)).every(isOver), 40_000);
    return Object.fromEntries((await listRecorded(id)).map((item) => [item.sandboxId, item]));
  }

  async function kill(sandboxes: readonly Sandbox[], params: ActParams = {}) {
    const { runner } = openRunner();
    const operation = await input(sandboxes, params);
    start(runner, operation, sandboxes);
    return { operation, items: await outcomes(operation) };
  }

  const listed = (name: string) =>
    execFileSync('tar', ['-t', '-z', '-f', join(archiveDir, name)], { encoding: 'utf8' })
      .trim()
      .split('\n');
  const kept = ({ id }: Operation) =>
    fs.existsSync(join(archiveDir, id)) ? fs.readdirSync(join(archiveDir, id)) : [];

  it('records the archive', async () => {
    const sandbox = await create();
    const { operation, items } = await kill([sandbox]);
    const name = `${operation.id}/${sandbox.id}.tar.gz`;
    const item = items[sandbox.id];
    expect(item).toMatchObject({ outcome: 'done', message: null, saved: { name, leftOut: 0 } });
    expect(item?.saved?.bytes).toBe(fs.statSync(join(archiveDir, name)).size);
    expect(listed(name)).toHaveLength(item?.saved?.entries ?? -1);
    expect(listed(name)).toContain('user/out/result');
    expect(await stateOf(sandbox.id)).toBe('gone');
    const { bytes, entries } = item?.saved ?? {};
    expect(await accessTo(sandbox.id)).toEqual([
      `ana | exported | ${entries} entries, ${bytes} bytes, as ${name}`,
    ]);
  });

  it('includes files that processes write when they are stopped', async () => {
    const sandbox = await create();
    const script = 'trap "echo last > /home/user/last; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const { Sandbox: Sdk } = await import('@moru-ai/core');
    const handle = await Sdk.connect(sandbox.id, engine.connection);
    await new Promise<void>((resolve, reject) => {
      const onStdout = (text: string) => void (text.includes('ready') && resolve());
      handle.commands
        .run(`exec /bin/sh -c '${script}'`, { background: true, timeoutMs: 0, onStdout })
        .then(async (running) => void (await running.wait().catch(() => {})), reject);
    });
    const { items } = await kill([await sandboxApi().getSandbox(sandbox.id)], { graceMs: 20_000 });
    expect(items[sandbox.id]?.message).toMatch(/^Its processes ended within /);
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/last');
  });

  it('wakes a paused sandbox and kills it without pausing it again', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: `POST /sandboxes/${sandbox.id}/pause`, latencyMs: 1 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/out/result');
    expect(await stateOf(sandbox.id)).toBe('gone');
    const { json } = await engine.api('GET', '/engine/faults');
    expect(json).toMatchObject([{ fired: 0 }]);
    expect(await accessTo(sandbox.id)).toEqual([
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
    expect(items[running.id]).toMatchObject({ outcome: 'failed', message });
    expect(items[paused.id]).toMatchObject({ outcome: 'failed', message: `${message} It is paused.` });
    expect([await stateOf(running.id), await stateOf(paused.id)]).toEqual(['running', 'paused']);
    expect(kept(operation)).toEqual([]);
    expect(items[running.id]).not.toHaveProperty('saved');
    expect((await accessTo(paused.id)).at(-1)).toBe('ana | review-paused | The task was done');
  });

  it('does not kill if tar fails silently', async () => {
    const sandbox = await create();
    await tarThat(sandbox, '/usr/bin/tar "$@"; exit 2');
    const { operation, items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({
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
    expect(items[sandbox.id]?.outcome).toBe('failed');
    expect(items[sandbox.id]?.message).toMatch(
      /so not killed\. The limit of concurrently running .* It is paused\.$/,
    );
    expect(await stateOf(sandbox.id)).toBe('paused');
  });

  it('skips a sandbox that someone else wakes at the same moment', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: RESUME, effect: 'lose-race' });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({
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
    for (const { id } of slow) await eventually(() => said(id, 'Archiving its files'));
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 1 });
    const operation = await input([sandbox]);
    start(runner, operation, [sandbox]);
    // It has been read and has not changed.
    await eventually(async () => {
      const { json } = await engine.api('GET', '/engine/faults');
      return (json as { fired: number }[])[0]?.fired === 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await engine.api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
    await engine.api('POST', `/sandboxes/${sandbox.id}/pause`);
    await recordCancel(slowly.id, 'ana', Date.now());
    runner.cancel(slowly.id, 'ana', Date.now());
    expect((await outcomes(operation))[sandbox.id]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was resumed in the meantime.',
    });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(await accessTo(sandbox.id)).toEqual([]);
  });

  it('does not kill if the archive cannot be written', async () => {
    const sandbox = await create();
    const operation = await input([sandbox]);
    fs.writeFileSync(join(archiveDir, operation.id), 'in the way');
    const { runner } = openRunner();
    start(runner, operation, [sandbox]);
    expect((await outcomes(operation))[sandbox.id]).toMatchObject({
      outcome: 'failed',
      message: 'Not archived, so not killed. The archive directory is not a directory.',
    });
    expect(await stateOf(sandbox.id)).toBe('running');
  });

  it('retries when the service throttles', async () => {
    // Enough sandboxes to be read from the list, so that only the archive reads a single one.
    const all = await Promise.all(Array.from({ length: 11 }, () => create()));
    const [sandbox] = all;
    await fault({ route: `GET /sandboxes/${sandbox?.id}`, status: 429, retryAfterSeconds: 1, count: 2 });
    const { items } = await kill(all);
    for (const { id } of all) expect(items[id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(items[sandbox?.id ?? '']?.tookMs).toBeGreaterThan(1_000);
  });

  it('skips a sandbox that changes while it is archived', async () => {
    const sandbox = await create();
    const { runner, said } = openRunner();
    const operation = await input([sandbox]);
    // The sandbox is paused between the archive and the reading before the kill.
    await tarThat(sandbox, 'sleep 1; exec /usr/bin/tar "$@"');
    start(runner, operation, [sandbox]);
    await eventually(() => said(sandbox.id, 'Archiving its files'));
    await eventually(
      async () =>
        (await (await sandboxApi().openEnvd(sandbox.id)).listProcesses(AbortSignal.timeout(10_000))).length >
        0,
    );
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 3_000 });
    await eventually(() => kept(operation).includes(`${sandbox.id}.tar.gz`));
    await engine.api('POST', `/sandboxes/${sandbox.id}/pause`);
    expect((await outcomes(operation))[sandbox.id]).toMatchObject({
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
    expect(items[sandbox.id]).toMatchObject({ outcome: 'denied', saved: { leftOut: 0 } });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/out/result');
  });

  it('stops while archiving, without a kill', async () => {
    const running = await create({ isSlow: true });
    const paused = await create({ isSlow: true, isPaused: true });
    const { runner, said } = openRunner();
    const operation = await input([running, paused]);
    start(runner, operation, [running, paused]);
    for (const { id } of [running, paused]) await eventually(() => said(id, 'Archiving its files'));
    expect(await recordCancel(operation.id, 'bo', Date.now())).toBe(true);
    runner.cancel(operation.id, 'bo', Date.now());
    const items = await outcomes(operation);
    for (const { id } of [running, paused])
      expect(items[id]).toMatchObject({
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
    await eventually(() => slow.filter(({ id }) => said(id, 'Archiving its files')).length === 4);
    const plain = await recordNew([quick]);
    start(runner, plain, [quick]);
    expect((await outcomes(plain))[quick.id]?.outcome).toBe('done');
    expect(slow.filter(({ id }) => said(id, 'Archiving its files'))).toHaveLength(4);
    await recordCancel(slowly.id, 'ana', Date.now());
    runner.cancel(slowly.id, 'ana', Date.now());
    await outcomes(slowly);
  });

  describe('after a takeover', () => {
    /** An item as a crashed process leaves it. */
    async function crashedOn(operation: Operation): Promise<string> {
      const owner = `dead-${operation.id}`;
      await claimItems(operation.id, { owner, leaseMs: 60_000, max: 10 });
      return owner;
    }

    async function takeOver(operation: Operation, sandboxes: readonly Sandbox[]) {
      const db = await database();
      await db
        .updateTable('operation_items')
        .set({ claimed_until_ms: 0 })
        .where('operation_id', '=', operation.id)
        .execute();
      const { runner } = openRunner();
      start(runner, operation, sandboxes);
      return outcomes(operation);
    }

    it('archives again and removes the unfinished file', async () => {
      const sandbox = await create();
      const operation = await input([sandbox]);
      const folder = join(archiveDir, operation.id);
      fs.mkdirSync(folder, { mode: 0o700 });
      fs.writeFileSync(join(folder, `${sandbox.id}.tar.gz.0123456789ab.part`), 'half of it');
      fs.writeFileSync(join(folder, `${sandbox.id}.tar.gz`), 'what was never recorded');
      await crashedOn(operation);
      const items = await takeOver(operation, [sandbox]);
      expect(items[sandbox.id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
      expect(kept(operation)).toEqual([`${sandbox.id}.tar.gz`]);
      expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/out/result');
    });

    it('archives a paused sandbox that was left awake', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      const before = new WakeKeeper({ owner: 'dead', isShared: true, graceMs: 15_000 });
      await before.open();
      const mark = `save-${operation.id}-`;
      await before.wake({ actor: 'ana' }, sandbox.id, 5 * 60_000, ', to save its files', mark);
      await before.close();
      await crashedOn(operation);
      expect(await stateOf(sandbox.id)).toBe('running');
      const items = await takeOver(operation, [sandbox]);
      expect(items[sandbox.id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
      expect(await stateOf(sandbox.id)).toBe('gone');
      expect((await accessTo(sandbox.id)).filter((line) => line.includes('review-woken'))).toHaveLength(1);
    });

    it('archives a sandbox that was paused again since', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      const mark = `save-${operation.id}-`;
      await wakeKeeper().wake({ actor: 'ana' }, sandbox.id, 5 * 60_000, '', mark);
      await wakeKeeper().endNow({ actor: 'ana' }, sandbox.id);
      expect((await findLease(sandbox.id))?.state).toBe('ended');
      await crashedOn(operation);
      expect((await takeOver(operation, [sandbox]))[sandbox.id]).toMatchObject({ outcome: 'done' });
    });

    it('skips a sandbox that someone else has resumed', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      await engine.api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
      await crashedOn(operation);
      expect((await takeOver(operation, [sandbox]))[sandbox.id]).toMatchObject({
        outcome: 'skipped',
        message: 'Skipped: it was paused and is now running.',
      });
      expect(await stateOf(sandbox.id)).toBe('running');
    });

    it('verifies the archive if the sandbox was already killed', async () => {
      const results: Record<string, string | null | undefined> = {};
      for (const harm of ['none', 'bent', 'lost', 'unsaved']) {
        const sandbox = await create();
        // A refused kill changes nothing.
        await fault({ route: `DELETE /sandboxes/${sandbox.id}`, status: 403 });
        const first = await kill([sandbox]);
        const saved = first.items[sandbox.id]?.saved;
        if (!saved) throw new Error('Nothing was saved.');
        const operation = await input([sandbox]);
        const owner = await crashedOn(operation);
        const name = `${operation.id}/${sandbox.id}.tar.gz`;
        fs.cpSync(join(archiveDir, first.operation.id), join(archiveDir, operation.id), { recursive: true });
        if (harm !== 'unsaved')
          await recordArchive(owner, {
            operationId: operation.id,
            sandboxId: sandbox.id,
            saved: { ...saved, name },
          });
        if (harm === 'bent') fs.truncateSync(join(archiveDir, name), 40);
        if (harm === 'lost') fs.rmSync(join(archiveDir, name));
        await engine.api('DELETE', '/engine/faults');
        await engine.api('DELETE', `/sandboxes/${sandbox.id}`);
        const item = (await takeOver(operation, [sandbox]))[sandbox.id];
        results[harm] = `${item?.outcome}: ${item?.message}`;
      }
      expect(results).toEqual({
        none: 'done: null',
        bent: 'done: Its files were archived, but the archive has changed since. It can no longer be read.',
        lost: 'done: Its files were archived, but the archive has changed since. It no longer exists.',
        unsaved: 'already: It was terminated outside Sandkeeper before its files were archived.',
      });
    });
  });

  it('retries the pause until it succeeds', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: PAUSE, status: 500, count: 1 });
    const { items } = await kill([sandbox], { exportPath: '/nowhere' });
    expect(items[sandbox.id]?.message).toMatch(/Sandkeeper keeps trying to pause it\.$|It is paused\.$/);
    await vi.waitFor(async () => expect(await stateOf(sandbox.id)).toBe('paused'), { timeout: 30_000 });
  });
});
