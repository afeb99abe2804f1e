import { expect, it } from 'vitest';
import { database } from '../db/client';
import { rowWith } from '../fleet/test-fleet';
import { describeOnDatabases } from '../test-support/databases';
import { giveDataDir } from '../test-support/house';
import type { Operation } from './schema';
import {
  findInterrupted,
  findOperation,
  findOurKill,
  recordFinish,
  recordOperation,
  recordOutcome,
} from './store';

giveDataDir();
let made = 0;

function newOperation(changes: Partial<Operation> = {}): Operation {
  made += 1;
  return {
    id: `operation-${made}`,
    act: 'kill',
    params: {},
    actor: 'ana',
    state: 'running',
    createdAtMs: 1_768_478_400_000 + made,
    finishedAtMs: null,
    ...changes,
  };
}

async function record(operation: Operation, ids: string[]): Promise<boolean> {
  const targets = ids.map((id) => rowWith({ id, metadata: { owner: 'ü' } }).sandbox);
  return recordOperation({ ...operation, filter: 'owner=ü', targets });
}

const itemsOf = async (id: string) =>
  (await database())
    .selectFrom('operation_items')
    .select(['sandbox_id', 'outcome', 'message', 'position'])
    .where('operation_id', '=', id)
    .orderBy('position')
    .execute();

describeOnDatabases('operations', () => {
  it('are written once, with every sandbox as it was, however many', async () => {
    const operation = newOperation({ params: { timeoutMs: 1_000, autoPause: true }, act: 'resume' });
    const ids = Array.from({ length: 250 }, (_, at) => `i${at}`);
    expect(await record(operation, ids)).toBe(true);
    expect(await record({ ...operation, actor: 'li' }, ['other'])).toBe(false);
    expect(await findOperation(operation.id)).toEqual(operation);
    const items = await itemsOf(operation.id);
    expect(items.map(({ sandbox_id }) => sandbox_id)).toEqual(ids);
    expect(new Set(items.map(({ outcome }) => outcome))).toEqual(new Set(['waiting']));
    await recordFinish(operation.id, 1_768_478_409_999);
    expect(await findOperation(operation.id)).toEqual({
      ...operation,
      state: 'finished',
      finishedAtMs: 1_768_478_409_999,
    });
  });

  it('are written with all their items or not at all', async () => {
    const operation = newOperation();
    await expect(record(operation, ['twice', 'twice'])).rejects.toThrow();
    expect(await findOperation(operation.id)).toBeNull();
    expect(await itemsOf(operation.id)).toEqual([]);
  });

  it('that were interrupted are found with what was not final', async () => {
    const [open, done] = [newOperation(), newOperation()];
    await record(open, ['a', 'b', 'c']);
    await record(done, ['d']);
    await recordOutcome(open.id, { sandboxId: 'a', outcome: 'done', message: null });
    await recordOutcome(open.id, { sandboxId: 'b', outcome: 'sending', message: null });
    await recordOutcome(done.id, { sandboxId: 'd', outcome: 'failed', message: 'So.' });
    await recordFinish(done.id, 1);
    const found = await findInterrupted();
    expect(found.map(({ operation }) => operation.id)).toEqual([open.id]);
    expect(found[0]).toEqual({
      operation: open,
      items: [
        { sandboxId: 'b', outcome: 'sending', message: null },
        { sandboxId: 'c', outcome: 'waiting', message: null },
      ],
    });
    await recordFinish(open.id, 2);
    expect(await findInterrupted()).toEqual([]);
  });

  it('tell the last kill of a sandbox that was verified, who asked for it and what it was', async () => {
    const [pause, failed, first, last] = [
      newOperation({ act: 'pause' }),
      newOperation(),
      newOperation(),
      newOperation({ actor: 'li' }),
    ];
    for (const operation of [pause, failed, first, last]) await record(operation, ['mine']);
    expect(await findOurKill('mine')).toBeNull();
    await recordOutcome(pause.id, { sandboxId: 'mine', outcome: 'done', message: null });
    await recordOutcome(failed.id, { sandboxId: 'mine', outcome: 'already', message: null });
    expect(await findOurKill('mine')).toBeNull();
    const before = Date.now();
    await recordOutcome(first.id, { sandboxId: 'mine', outcome: 'done', message: null });
    expect((await findOurKill('mine'))?.actor).toBe('ana');
    while (Date.now() <= before) await new Promise((resolve) => setImmediate(resolve));
    await recordOutcome(last.id, { sandboxId: 'mine', outcome: 'done', message: null });
    const kill = await findOurKill('mine');
    expect(kill?.actor).toBe('li');
    expect(kill?.atMs).toBeGreaterThan(before);
    expect(kill?.sandbox).toEqual(rowWith({ id: 'mine', metadata: { owner: 'ü' } }).sandbox);
  });

  it('that nobody has recorded are not found', async () => {
    expect(await findOperation('none')).toBeNull();
  });
});
