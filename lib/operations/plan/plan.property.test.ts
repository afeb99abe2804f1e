import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowWith } from '../../fleet/test-fleet';
import { isProtected, SANDBOX_ACTS, sandboxCan, stopsSandbox } from '../../sandbox/can';
import type { Sandbox } from '../../sandbox/schema';
import { SandboxState } from '../../sandbox/schema';
import { keyOf, type SandboxKey } from '../../sandbox-key';
import { driftOf, partition, phraseFor } from './plan';

const KEY = 'keep';

const sandboxes = fc
  .uniqueArray(
    fc.record({
      connection: fc.constantFrom('local', 'prod-eu'),
      id: fc.stringMatching(/^i[a-z0-9]{1,6}$/),
      state: fc.constantFrom(...SandboxState.options),
      metadata: fc.dictionary(fc.constantFrom(KEY, 'team'), fc.constantFrom('true', ' TRUE', 'false', '')),
      isGone: fc.boolean(),
      isBusy: fc.boolean(),
    }),
    { selector: ({ connection, id }) => keyOf(connection, id), maxLength: 30 },
  )
  .map((made) => made.map((one) => ({ key: keyOf(one.connection, one.id), ...one })))
  .map((made) => ({
    read: new Map<SandboxKey, Sandbox | null>(
      made.map(({ isGone, isBusy: _, connection: __, ...fields }) => [
        fields.key,
        isGone ? null : rowWith(fields).sandbox,
      ]),
    ),
    busy: new Set(made.filter(({ isBusy }) => isBusy).map(({ key }) => key)),
  }));

const acts = fc.constantFrom(...SANDBOX_ACTS);

describe('any plan', () => {
  it('contains each sandbox once, as a target or skipped with a reason', () => {
    fc.assert(
      fc.property(acts, sandboxes, (act, { read, busy }) => {
        const { targets, skipped } = partition(act, { read, busy, protectedKey: KEY });
        const keys = [...targets.map(({ key }) => key), ...skipped.map(({ sandboxKey }) => sandboxKey)];
        expect(keys.toSorted()).toEqual([...read.keys()].toSorted());
        for (const { reason } of skipped) expect(reason).toMatch(/\S/);
      }),
    );
  });

  it('targets only existing, free, unprotected sandboxes whose state allows the action', () => {
    fc.assert(
      fc.property(acts, sandboxes, (act, { read, busy }) => {
        for (const target of partition(act, { read, busy, protectedKey: KEY }).targets) {
          expect(read.get(target.key)).toBe(target);
          expect(sandboxCan(target.state, act)).toBe(true);
          expect(busy.has(target.key)).toBe(false);
          expect(read.size > 1 && stopsSandbox(act) && isProtected(target, KEY)).toBe(false);
        }
      }),
    );
  });

  it('skips only sandboxes that break the rule it names', () => {
    fc.assert(
      fc.property(acts, sandboxes, (act, { read, busy }) => {
        for (const { sandboxKey, kind, sandbox } of partition(act, { read, busy, protectedKey: KEY })
          .skipped) {
          expect(sandbox).toBe(read.get(sandboxKey) ?? null);
          expect(kind === 'gone').toBe(sandbox === null);
          if (sandbox === null) continue;
          expect(kind === 'state').toBe(!sandboxCan(sandbox.state, act));
          if (kind === 'busy') expect(busy.has(sandboxKey)).toBe(true);
          if (kind === 'protected') expect(isProtected(sandbox, KEY)).toBe(true);
        }
      }),
    );
  });

  it('requires a phrase only for what ends sandboxes, with the count of several', () => {
    fc.assert(
      fc.property(acts, sandboxes, (act, { read, busy }) => {
        const { targets } = partition(act, { read, busy, protectedKey: KEY });
        const phrase = phraseFor(act, targets, KEY);
        const word = { kill: 'kill', setTimeout: 'end', pause: null, resume: null, run: null }[act];
        if (word === null || targets.length === 0) expect(phrase).toBeNull();
        else if (targets.length > 1) expect(phrase).toBe(`${word} ${targets.length}`);
        else expect([null, targets[0]?.id]).toContain(phrase);
      }),
    );
  });

  it('reports drift only for another state, another lifetime or new protection', () => {
    const change = fc.record(
      {
        state: fc.constantFrom(...SandboxState.options),
        startedAtMs: fc.integer({ min: 0, max: 2 }),
        endAtMs: fc.nat(),
        metadata: fc.constantFrom({}, { [KEY]: 'true' }, { team: 'a' }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(change, change, fc.constantFrom(KEY, null), (before, after, key) => {
        const shown = { ...rowWith({ id: 'i1' }).sandbox, startedAtMs: 0, ...before };
        const now = { ...shown, ...after };
        const isNewlyProtected = key !== null && !isProtected(shown, key) && isProtected(now, key);
        const hasDrifted =
          shown.state !== now.state || shown.startedAtMs !== now.startedAtMs || isNewlyProtected;
        expect(driftOf(shown, now, key) !== null).toBe(hasDrifted);
      }),
    );
  });
});
