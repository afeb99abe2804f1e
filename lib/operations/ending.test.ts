import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../db/client';
import { rowWith } from '../fleet/test-fleet';
import { fleetWatcher } from '../fleet/watcher';
import { eventually, giveEngine } from '../test-support/house';
import { findEnding } from './ending';
import { recordOperation, recordOutcome } from './store';

const engine = giveEngine();
afterAll(async () => (await database()).destroy());

describe('findEnding', () => {
  it('of what was killed here names who did it, and what it was', async () => {
    const { sandbox } = rowWith({ id: 'iours', metadata: { owner: 'ana' } });
    const operation = {
      id: 'o1',
      act: 'kill',
      params: {},
      actor: 'li',
      state: 'running',
      createdAtMs: 1,
      finishedAtMs: null,
    } as const;
    await recordOperation({ ...operation, filter: '', targets: [sandbox] });
    await recordOutcome('o1', { sandboxId: 'iours', outcome: 'done', message: null });
    const ending = await findEnding('iours');
    expect(ending).toEqual({
      endedAtMs: expect.any(Number),
      how: 'It was killed here by li.',
      last: sandbox,
    });
    expect(Date.now() - (ending?.endedAtMs ?? 0)).toBeLessThan(10_000);
  });

  it('of what ended elsewhere is what the service remembers', async () => {
    const killed = await engine.create();
    await engine.call('DELETE', `/sandboxes/${killed}`);
    const expired = await engine.create({ timeout: 0 });
    await eventually(async () => (await engine.detail(expired)).status === 404);
    expect(await findEnding(killed)).toEqual({
      endedAtMs: expect.any(Number),
      how: 'It was killed.',
      last: null,
    });
    expect((await findEnding(expired))?.how).toBe('Its time ran out.');
  });

  it('is looked for on later pages, too', async () => {
    const old = await engine.create();
    await engine.call('DELETE', `/sandboxes/${old}`);
    for (let made = 0; made < 120; made += 1) await engine.create();
    expect((await findEnding(old))?.how).toBe('It was killed.');
  });

  it('of what nobody has heard of is unknown', async () => {
    expect(await findEnding('inever')).toBeNull();
  });

  it.each([404, 500])('is what was seen here where the history answers %i', async (status) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    await engine.fault({ route: 'GET /v2/sandbox-runs', status });
    expect(await findEnding('inever')).toBeNull();
    const { sandbox } = rowWith({ id: `iseen${status}` });
    fleetWatcher().settle(sandbox);
    fleetWatcher().settleGone(sandbox.id);
    const how = 'It was terminated; the service does not say how.';
    expect(await findEnding(sandbox.id)).toEqual({ endedAtMs: expect.any(Number), how, last: sandbox });
  });
});
