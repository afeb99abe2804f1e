import { expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../../db/client';
import type { SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpDataDir } from '../../test-support/environment';
import { claimItems, type NewOutcome } from '../record/claims';
import { listItems } from '../record/store';
import type { OperationItem } from '../schema';
import { recordNew } from '../test-operations';
import { OutcomeWriter } from './outcome-writer';

setUpDataDir();

const done = (sandboxKey: SandboxKey): OperationItem => ({
  sandboxKey,
  outcome: 'done',
  message: null,
  tookMs: 1,
});

async function claimed(count: number) {
  const keys = Array.from({ length: count }, (_, at) => localKey(`i${at}`));
  const { id } = await recordNew(keys);
  await claimItems(id, { owner: 'me', leaseMs: 60_000, max: count });
  return { operationId: id, keys };
}

it('writes in batches and reports them afterwards', async () => {
  const { operationId, keys } = await claimed(40);
  const batches: (readonly NewOutcome[])[] = [];
  const writer = new OutcomeWriter('me', (batch) => batches.push(batch));
  for (const key of keys) writer.add({ operationId, ...done(key) });
  await writer.close();
  expect(batches.map(({ length }) => length)).toEqual([40]);
  expect(new Set((await listItems(operationId)).map(({ outcome }) => outcome))).toEqual(new Set(['done']));
});

it('retries failed writes', async () => {
  const { operationId } = await claimed(2);
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  const written: string[] = [];
  const writer = new OutcomeWriter('me', (batch) => {
    written.push(...batch.map(({ sandboxKey }) => sandboxKey));
  });
  const db = await database();
  await db.schema.alterTable('operation_items').renameTo('away').execute();
  writer.add({ operationId, ...done('local/i0') });
  await eventually(() => error.mock.calls.length > 0);
  writer.add({ operationId, ...done('local/i1') });
  await db.schema.alterTable('away').renameTo('operation_items').execute();
  await eventually(() => written.length === 2);
  expect(written).toEqual(['local/i0', 'local/i1']);
  expect((await listItems(operationId)).map(({ outcome }) => outcome)).toEqual(['done', 'done']);
});
