import { expect, it } from 'vitest';
import { describeOnDatabases } from '../test-support/databases';
import { localKey, thrownBy } from '../test-support/environment';
import { someone } from '../test-support/people';
import { operateNow, planOperation, startPlanned } from './operate';
import { session, setUpOperations } from './test-operating';

const MINUTE_MS = 60_000;
const { engine, pauseNow, isFinished } = setUpOperations();
const operator = someone('oli', 'operator');
/** Admin of another connection alone. */
const stranger = {
  ...someone('sam'),
  grants: { everywhere: null, on: { local: 'operator', other: 'admin' } },
} as const;

const input = (ids: readonly string[], timeoutMs: number) =>
  ({ act: 'setTimeout', sandboxKeys: ids.map(localKey), params: { timeoutMs }, retryOf: null }) as const;
const words = { act: 'setTimeout', reason: '', filter: '' } as const;
const long = { timeout: 50 * 60 };
const guarded = { ...long, metadata: { protected: 'true' } };
const leftMs = async (id: string) => Date.parse((await engine.detail(id)).endAt) - Date.now();

describeOnDatabases('a time left that ends a sandbox within five minutes', () => {
  it('requires the role of a kill on its connection', async () => {
    const [one, two] = await Promise.all([engine.create(long), engine.create(long)]);
    for (const who of [operator, stranger]) {
      for (const timeoutMs of [1_000, 5 * MINUTE_MS]) {
        expect(await thrownBy(() => operateNow(who, input([one], timeoutMs), ''))).toMatchObject({
          code: 'forbidden',
          message: expect.stringContaining('requires the admin role'),
        });
        const plan = await planOperation(who, input([one, two], timeoutMs));
        expect(plan.targets).toEqual([]);
        expect(plan.skipped.map(({ kind }) => kind)).toEqual(['role', 'role']);
      }
    }
    const later = await operateNow(operator, input([one], 6 * MINUTE_MS), '');
    await isFinished(later.operation);
    for (const id of [one, two]) expect(await leftMs(id)).toBeGreaterThan(5 * MINUTE_MS);
  });

  it('needs a plan, also from an admin, and the confirmation of a kill', async () => {
    const ids = await Promise.all([engine.create(long), engine.create(long), engine.create(guarded)]);
    for (const id of ids)
      expect(await thrownBy(() => operateNow(session, input([id], 1_000), ''))).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('would end 1 of 1'),
      });
    const plan = await planOperation(session, input(ids, 4 * MINUTE_MS));
    expect(plan).toMatchObject({ mustType: 'end 2', params: { timeoutMs: 4 * MINUTE_MS, ends: 2 } });
    expect(plan.skipped).toMatchObject([{ sandboxKey: localKey(ids[2] ?? ''), kind: 'protected' }]);
    const start = (typed: string) => startPlanned(session, { ...words, token: plan.token, typed });
    expect(await thrownBy(() => start(''))).toMatchObject({ code: 'invalid' });
    const operation = await start('end 2');
    expect(operation.params.ends).toBe(2);
    await isFinished(operation);
    expect(await leftMs(ids[0] ?? '')).toBeLessThanOrEqual(4 * MINUTE_MS);
    expect(await leftMs(ids[2] ?? '')).toBeGreaterThan(40 * MINUTE_MS);
  });

  it('ends a protected one only when its id was typed', async () => {
    const id = await engine.create(guarded);
    const plan = await planOperation(session, input([id], MINUTE_MS));
    expect(plan.mustType).toBe(id);
    const start = (typed: string) => startPlanned(session, { ...words, token: plan.token, typed });
    expect(await thrownBy(() => start('end 1'))).toMatchObject({ code: 'invalid' });
    expect(await leftMs(id)).toBeGreaterThan(40 * MINUTE_MS);
    await isFinished(await start(id));
  });

  it('checks the role again when the plan starts', async () => {
    const id = await engine.create(long);
    const { token } = await planOperation(session, input([id], MINUTE_MS));
    const lowered = { ...session, grants: operator.grants };
    const start = () => startPlanned(lowered, { ...words, token, typed: '' });
    expect(await thrownBy(start)).toMatchObject({ code: 'forbidden' });
    expect(await leftMs(id)).toBeGreaterThan(40 * MINUTE_MS);
  });

  it('leaves alone what gains time', async () => {
    const id = await engine.create({ timeout: 60 });
    const { operation } = await operateNow(operator, input([id], 3 * MINUTE_MS), '');
    await isFinished(operation);
    expect(await leftMs(id)).toBeGreaterThan(2 * MINUTE_MS);
  });

  it('is refused as a resume that kills soon', async () => {
    const id = await engine.create(guarded);
    await isFinished(await pauseNow([id]));
    const resume = (autoPause: boolean) =>
      operateNow(
        operator,
        {
          act: 'resume',
          sandboxKeys: [localKey(id)],
          params: { timeoutMs: 1_000, autoPause },
          retryOf: null,
        },
        '',
      );
    expect(await thrownBy(() => resume(false))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('kill them within 5 minutes'),
    });
    expect((await engine.detail(id)).state).toBe('paused');
  });
});
