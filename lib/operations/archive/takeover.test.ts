import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { database } from '../../db/client';
import { canRun } from '../../engine/jail/test-process-engine';
import type { Sandbox } from '../../sandbox/schema';
import { someone } from '../../test-support/people';
import { findLease } from '../../wake/store';
import { auditLog as accessTo } from '../../wake/test-wake';
import { WakeKeeper, wakeKeeper } from '../../wake/wake-keeper';
import { claimItems, recordArchive } from '../record/claims';
import type { StoredOperation } from '../schema';
import { setUpArchiving } from './test-archiving';

const ANA = someone('ana');

describe.runIf(canRun)('archiving by a process that takes over', () => {
  const {
    engine,
    archiveDir,
    openRunner,
    create,
    stateOf,
    fault,
    input,
    start,
    outcomes,
    kill,
    listed,
    kept,
  } = setUpArchiving();

  /** An item as a crashed process leaves it. */
  async function crashedOn(operation: StoredOperation): Promise<string> {
    const owner = `dead-${operation.id}`;
    await claimItems(operation.id, { owner, leaseMs: 60_000, max: 10 });
    return owner;
  }

  async function takeOver(operation: StoredOperation, sandboxes: readonly Sandbox[]) {
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
    fs.writeFileSync(join(folder, `local.${sandbox.id}.tar.gz.0123456789ab.part`), 'half of it');
    fs.writeFileSync(join(folder, `local.${sandbox.id}.tar.gz`), 'what was never recorded');
    await crashedOn(operation);
    const items = await takeOver(operation, [sandbox]);
    expect(items[sandbox.key]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(kept(operation)).toEqual([`local.${sandbox.id}.tar.gz`]);
    expect(listed(items[sandbox.key]?.saved?.name ?? '')).toContain('user/out/result');
  });

  it('archives a paused sandbox that was left awake', async () => {
    const sandbox = await create({ isPaused: true });
    const operation = await input([sandbox]);
    const before = new WakeKeeper({ owner: 'dead', isShared: true, graceMs: 15_000 });
    await before.open();
    const mark = `save-${operation.id}-`;
    await before.wake(ANA, sandbox.key, 5 * 60_000, ', to save its files', mark);
    await before.close();
    await crashedOn(operation);
    expect(await stateOf(sandbox.id)).toBe('running');
    const items = await takeOver(operation, [sandbox]);
    expect(items[sandbox.key]).toMatchObject({ outcome: 'done', saved: { leftOut: 0 } });
    expect(await stateOf(sandbox.id)).toBe('gone');
    expect((await accessTo(sandbox.key)).filter((line) => line.includes('review-woken'))).toHaveLength(1);
  });

  it('archives a sandbox that was paused again since', async () => {
    const sandbox = await create({ isPaused: true });
    const operation = await input([sandbox]);
    const mark = `save-${operation.id}-`;
    await wakeKeeper().wake(ANA, sandbox.key, 5 * 60_000, '', mark);
    await wakeKeeper().endNow(ANA, sandbox.key);
    expect((await findLease(sandbox.key))?.state).toBe('ended');
    await crashedOn(operation);
    expect((await takeOver(operation, [sandbox]))[sandbox.key]).toMatchObject({ outcome: 'done' });
  });

  it('skips a sandbox that someone else has resumed', async () => {
    const sandbox = await create({ isPaused: true });
    const operation = await input([sandbox]);
    await engine().api('POST', `/sandboxes/${sandbox.id}/resume`, { timeout: 300 });
    await crashedOn(operation);
    expect((await takeOver(operation, [sandbox]))[sandbox.key]).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was paused and is now running.',
    });
    expect(await stateOf(sandbox.id)).toBe('running');
  });

  it('verifies the archive if the sandbox was already killed', async () => {
    const harms = ['none', 'bent', 'lost', 'unsaved'] as const;
    const crashed = await Promise.all(
      harms.map(async (harm) => {
        const sandbox = await create();
        // A refused kill changes nothing.
        await fault({ route: `DELETE /sandboxes/${sandbox.id}`, status: 403 });
        const first = await kill([sandbox]);
        const saved = first.items[sandbox.key]?.saved;
        if (!saved) throw new Error('Nothing was saved.');
        const operation = await input([sandbox]);
        const owner = await crashedOn(operation);
        const name = `${operation.id}/local.${sandbox.id}.tar.gz`;
        fs.cpSync(join(archiveDir, first.operation.id), join(archiveDir, operation.id), { recursive: true });
        if (harm !== 'unsaved')
          await recordArchive(owner, {
            operationId: operation.id,
            sandboxKey: sandbox.key,
            saved: { ...saved, name },
          });
        if (harm === 'bent') fs.truncateSync(join(archiveDir, name), 40);
        if (harm === 'lost') fs.rmSync(join(archiveDir, name));
        return { harm, operation, sandbox };
      }),
    );
    await engine().api('DELETE', '/engine/faults');
    const results = await Promise.all(
      crashed.map(async ({ harm, operation, sandbox }) => {
        await engine().api('DELETE', `/sandboxes/${sandbox.id}`);
        const item = (await takeOver(operation, [sandbox]))[sandbox.key];
        return [harm, `${item?.outcome}: ${item?.message}`];
      }),
    );
    expect(Object.fromEntries(results)).toEqual({
      none: 'done: null',
      bent: 'done: Its files were archived, but the archive has changed since. It can no longer be read.',
      lost: 'done: Its files were archived, but the archive has changed since. It no longer exists.',
      unsaved: 'already: It was terminated outside Sandkeeper before its files were archived.',
    });
  });
});
