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
import { getSandbox } from '../../sandbox-api/control';
import { openEnvd } from '../../sandbox-api/envd';
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

describe.runIf(canRun)('files are saved before a kill', () => {
  let house: ProcessEngine;
  let opened = 0;

  beforeAll(async () => {
    house = await startProcessEngine();
    process.env.SANDKEEPER_ENGINE_URL = house.url;
    process.env.SANDKEEPER_ENGINE_KEY = house.apiKey;
    await wakeKeeper().open();
  });
  afterAll(async () => {
    await wakeKeeper().close();
    await fleetWatcher().close();
  });
  beforeEach(() => void onTestFinished(async () => void (await house.api('DELETE', '/engine/faults'))));

  /** A runner, as of a process of its own. */
  function openRunner() {
    opened += 1;
    const owner = `process-${opened}`;
    const rules = { maxConcurrency: 16, protectedKey: 'protected', keepMs: null, isShared: true };
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

  /** A sandbox with a file in its home. `slow`: reading it takes for ever. */
  async function create({ isPaused = false, isSlow = false } = {}): Promise<Sandbox> {
    const sandbox = await house.create({ envs: { PATH: '/data/bin:/usr/bin:/bin' } });
    await sandbox.files.write('/home/user/out/result', 'mine');
    if (isSlow) await tarThat({ id: sandbox.sandboxId }, 'exec sleep 600');
    if (isPaused) await house.api('POST', `/sandboxes/${sandbox.sandboxId}/pause`);
    return getSandbox(sandbox.sandboxId);
  }

  /** Puts a `tar` of its own into a sandbox, found before the system's. */
  async function tarThat({ id }: Pick<Sandbox, 'id'>, script: string): Promise<void> {
    const bin = join(house.guestDir(id), 'root/data/bin');
    fs.mkdirSync(bin, { recursive: true });
    fs.writeFileSync(join(bin, 'tar'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  const stateOf = async (id: string) => {
    const { status, json } = await house.api('GET', `/sandboxes/${id}`);
    return status === 404 ? 'gone' : (json as { state: string }).state;
  };
  const fault = (input: object) => house.api('POST', '/engine/faults', input);

  /** Records a kill that saves first. */
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

  /** What became of each, by id. */
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

  it('and where they are is recorded', async () => {
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

  it('of one that ends gracefully with what its processes write last', async () => {
    const sandbox = await create();
    const script = 'trap "echo last > /home/user/last; exit 0" TERM; echo ready; while :; do sleep 0.1; done';
    const { Sandbox: Sdk } = await import('@moru-ai/core');
    const handle = await Sdk.connect(sandbox.id, house.connection);
    await new Promise<void>((resolve, reject) => {
      const onStdout = (text: string) => void (text.includes('ready') && resolve());
      handle.commands
        .run(`exec /bin/sh -c '${script}'`, { background: true, timeoutMs: 0, onStdout })
        .then(async (running) => void (await running.wait().catch(() => {})), reject);
    });
    const { items } = await kill([await getSandbox(sandbox.id)], { graceMs: 20_000 });
    expect(items[sandbox.id]?.message).toMatch(/^Its processes ended within /);
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/last');
  });

  it('of a paused one, which is woken for it and killed without being paused once more', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: `POST /sandboxes/${sandbox.id}/pause`, latencyMs: 1 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/out/result');
    expect(await stateOf(sandbox.id)).toBe('gone');
    const { json } = await house.api('GET', '/engine/faults');
    expect(json).toMatchObject([{ fired: 0 }]);
    expect(await accessTo(sandbox.id)).toEqual([
      expect.stringMatching(
        /^ana \| review-woken \| For 5 min, to save its files before a kill; its timeout now pauses/,
      ),
      expect.stringMatching(/^ana \| exported \| /),
      '– | review-ended | Terminated',
    ]);
  });

  it('or it is not killed: neither a running one nor a paused one, which is paused again', async () => {
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

  it('or it is not killed because its tar fails without a word about what is missing', async () => {
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

  it('or it is not killed because it cannot be woken', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: RESUME, status: 429 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]?.outcome).toBe('failed');
    expect(items[sandbox.id]?.message).toMatch(
      /so not killed\. The limit of concurrently running .* It is paused\.$/,
    );
    expect(await stateOf(sandbox.id)).toBe('paused');
  });

  it('or it is left alone because somebody else wakes it in the same moment', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: RESUME, effect: 'lose-race' });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('Someone else resumed it in the meantime.'),
    });
    expect(await stateOf(sandbox.id)).not.toBe('gone');
  });

  it('or it is left alone because somebody else has had it awake while it waited for its turn', async () => {
    const slow = await Promise.all(Array.from({ length: 4 }, () => create({ isSlow: true })));
    const sandbox = await create({ isPaused: true });
    const { runner, said } = openRunner();
    const slowly = await input(slow);
    start(runner, slowly, slow);
    for (const { id } of slow) await eventually(() => said(id, 'Archiving its files'));
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 1 });
    const operation = await input([sandbox]);
    start(runner, operation, [sandbox]);
    // It has been read, and is what it was.
    await eventually(async () => {
      const { json } = await house.api('GET', '/engine/faults');
      return (json as { fired: number }[])[0]?.fired === 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await house.api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
    await house.api('POST', `/sandboxes/${sandbox.id}/pause`);
    await recordCancel(slowly.id, 'ana', Date.now());
    runner.cancel(slowly.id, 'ana', Date.now());
    expect((await outcomes(operation))[sandbox.id]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was resumed in the meantime.',
    });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(await accessTo(sandbox.id)).toEqual([]);
  });

  it('or it is not killed because nothing can be written', async () => {
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

  it('and tried again where the service asks for less', async () => {
    // As many as are read from the list, so that nothing but the way in asks for one alone.
    const all = await Promise.all(Array.from({ length: 5 }, () => create()));
    const [sandbox] = all;
    await fault({ route: `GET /sandboxes/${sandbox?.id}`, status: 429, retryAfterSeconds: 1, count: 2 });
    const { items } = await kill(all);
    for (const { id } of all) expect(items[id]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(items[sandbox?.id ?? '']?.tookMs).toBeGreaterThan(1_000);
  });

  it('and one that changes meanwhile is left alone all the same', async () => {
    const sandbox = await create();
    const { runner, said } = openRunner();
    const operation = await input([sandbox]);
    // The archive is there once the sandbox is asked for again, and it is paused before that is answered.
    await tarThat(sandbox, 'sleep 1; exec /usr/bin/tar "$@"');
    start(runner, operation, [sandbox]);
    await eventually(() => said(sandbox.id, 'Archiving its files'));
    await eventually(
      async () => (await (await openEnvd(sandbox.id)).listPids(AbortSignal.timeout(10_000))).length > 0,
    );
    await fault({ route: `GET /sandboxes/${sandbox.id}`, latencyMs: 3_000 });
    await eventually(() => kept(operation).includes(`${sandbox.id}.tar.gz`));
    await house.api('POST', `/sandboxes/${sandbox.id}/pause`);
    expect((await outcomes(operation))[sandbox.id]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was running and is now paused.',
      saved: { leftOut: 0 },
    });
    expect(await stateOf(sandbox.id)).toBe('paused');
  });

  it('and a kill that fails afterwards leaves a paused one paused, and the archive', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: `DELETE /sandboxes/${sandbox.id}`, status: 403 });
    const { items } = await kill([sandbox]);
    expect(items[sandbox.id]).toMatchObject({ outcome: 'denied', saved: { leftOut: 0 } });
    expect(await stateOf(sandbox.id)).toBe('paused');
    expect(listed(items[sandbox.id]?.saved?.name ?? '')).toContain('user/out/result');
  });

  it('and is stopped in the middle, before the kill', async () => {
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

  it('and others need not wait for that', async () => {
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

  describe('by whoever takes over', () => {
    /** As a process leaves an item that dies while it works on it. */
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

    it('anew: what was begun is thrown away', async () => {
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

    it('also where a paused one was left awake', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      const before = new WakeKeeper({ owner: 'dead', isShared: true });
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

    it('also where it has been paused again since', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      const mark = `save-${operation.id}-`;
      await wakeKeeper().wake({ actor: 'ana' }, sandbox.id, 5 * 60_000, '', mark);
      await wakeKeeper().endNow({ actor: 'ana' }, sandbox.id);
      expect((await findLease(sandbox.id))?.state).toBe('ended');
      await crashedOn(operation);
      expect((await takeOver(operation, [sandbox]))[sandbox.id]).toMatchObject({ outcome: 'done' });
    });

    it('but not where somebody else has resumed it', async () => {
      const sandbox = await create({ isPaused: true });
      const operation = await input([sandbox]);
      await house.api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
      await crashedOn(operation);
      expect((await takeOver(operation, [sandbox]))[sandbox.id]).toMatchObject({
        outcome: 'skipped',
        message: 'Skipped: it was paused and is now running.',
      });
      expect(await stateOf(sandbox.id)).toBe('running');
    });

    it('and looked at again where the kill has happened already', async () => {
      const told: Record<string, string | null | undefined> = {};
      for (const harm of ['none', 'bent', 'lost', 'unsaved']) {
        const sandbox = await create();
        // A kill that is refused leaves everything as before it.
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
        await house.api('DELETE', '/engine/faults');
        await house.api('DELETE', `/sandboxes/${sandbox.id}`);
        const item = (await takeOver(operation, [sandbox]))[sandbox.id];
        told[harm] = `${item?.outcome}: ${item?.message}`;
      }
      expect(told).toEqual({
        none: 'done: null',
        bent: 'done: Its files were archived, but the archive has changed since. It can no longer be read.',
        lost: 'done: Its files were archived, but the archive has changed since. It no longer exists.',
        unsaved: 'already: It was terminated outside Sandkeeper before its files were archived.',
      });
    });
  });

  it('and the pause that is to follow is tried until it works', async () => {
    const sandbox = await create({ isPaused: true });
    await fault({ route: PAUSE, status: 500, count: 1 });
    const { items } = await kill([sandbox], { exportPath: '/nowhere' });
    expect(items[sandbox.id]?.message).toMatch(/Sandkeeper keeps trying to pause it\.$|It is paused\.$/);
    await vi.waitFor(async () => expect(await stateOf(sandbox.id)).toBe('paused'), { timeout: 30_000 });
  });
});
