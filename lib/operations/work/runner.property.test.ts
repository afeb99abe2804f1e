import fc from 'fast-check';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { FaultInput } from '../../engine/faults';
import { fleetWatcher } from '../../fleet/watchers';
import { apiOf } from '../../sandbox-api/configured';
import { eventually, localKey, setUpEngine } from '../../test-support/environment';
import { runs } from '../../test-support/runs';
import { findOperation, listItems } from '../record/store';
import { isFinal, type Outcome } from '../schema';
import { recordNew, waitingItem } from '../test-operations';
import { OperationRunner } from './runner';

const engine = setUpEngine();
afterAll(() => fleetWatcher('local').close());

/** What a service does to the kill of one sandbox, and what happens to that sandbox after it was shown. */
const FATES = {
  well: [],
  'asks for patience': [{ status: 429, retryAfterSeconds: 0, count: 2 }],
  'is overloaded for a moment': [{ status: 503, count: 2 }],
  'breaks and has killed': [{ effect: 'fail-late', count: 1 }],
  'breaks and has not killed': [{ status: 500, count: 1 }],
  'drops the connection': [{ reset: true, count: 1 }],
  'only says that it has killed': [{ effect: 'pretend-kill', count: 1 }],
  'does not allow it': [{ status: 403 }],
  'is slow': [{ latencyMs: 300 }],
  'was paused before': [],
  'was killed before': [],
} satisfies Record<string, Omit<FaultInput, 'route'>[]>;
type Fate = keyof typeof FATES;

const CHANGES: Partial<Record<Fate, { method: string; path: string }>> = {
  'was paused before': { method: 'POST', path: '/pause' },
  'was killed before': { method: 'DELETE', path: '' },
};

const EXPECTED = {
  well: 'done',
  'asks for patience': 'done',
  'is overloaded for a moment': 'done',
  'breaks and has killed': 'done',
  'breaks and has not killed': 'done',
  'drops the connection': 'done',
  'only says that it has killed': 'done',
  'does not allow it': 'denied',
  'is slow': 'done',
  'was paused before': 'skipped',
  'was killed before': 'already',
} satisfies Record<Fate, Outcome>;

const isThere = async (id: string) => (await engine.detail(id)).status === 200;

describe('any fault of the service', () => {
  it('leaves correct outcomes and no effect on other sandboxes', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => void vi.restoreAllMocks());
    const fates = fc.array(fc.constantFrom(...(Object.keys(FATES) as Fate[])), {
      minLength: 1,
      maxLength: 14,
    });
    await fc.assert(
      fc.asyncProperty(fates, fc.integer({ min: 1, max: 8 }), async (drawn, maxConcurrency) => {
        const doomed = await Promise.all(
          drawn.map(async (fate) => {
            const id = await engine.create();
            return { fate, id, key: localKey(id) };
          }),
        );
        const bystander = await engine.create();
        const shown = await Promise.all(doomed.map(({ key }) => apiOf(key).getSandbox(key)));
        for (const { fate, id } of doomed) {
          const change = CHANGES[fate];
          if (change) await engine.call(change.method, `/sandboxes/${id}${change.path}`);
          for (const fault of FATES[fate]) await engine.fault({ route: `DELETE /sandboxes/${id}`, ...fault });
        }

        const runner = new OperationRunner({
          owner: 'process-of-the-property',
          maxConcurrency,
          protectedKey: 'protected',
          keepMs: null,
          isShared: false,
          syncMs: 200,
        });
        const operation = await recordNew(shown);
        runner.start(
          operation,
          doomed.map(({ key }) => waitingItem(key)),
        );
        try {
          await eventually(async () => (await findOperation(operation.id))?.state === 'finished', 40_000);
        } finally {
          await runner.close();
        }

        const outcomes = new Map(
          (await listItems(operation.id)).map(({ sandboxKey, outcome }) => [sandboxKey, outcome]),
        );
        expect([...outcomes.keys()].toSorted()).toEqual(doomed.map(({ key }) => key).toSorted());
        for (const { fate, id, key } of doomed) {
          const outcome = outcomes.get(key);
          expect({ fate, outcome }).toEqual({ fate, outcome: EXPECTED[fate] });
          expect(outcome !== undefined && isFinal(outcome)).toBe(true);
          expect({ fate, isThere: await isThere(id) }).toEqual({
            fate,
            isThere: outcome === 'denied' || outcome === 'skipped',
          });
        }
        expect(await isThere(bystander)).toBe(true);
        await engine.clearFaults();
        for (const { id } of doomed) await engine.call('DELETE', `/sandboxes/${id}`);
      }),
      { numRuns: runs(20) },
    );
  }, 240_000);
});
