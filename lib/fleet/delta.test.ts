import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../sandbox/schema';
import { ChangeBatch, sameSandbox } from './delta';
import { rowWith } from './test-fleet';

const { sandbox } = rowWith({ metadata: { owner: 'ana', team: 'evals' } });

describe('sameSandbox', () => {
  it('ignores the order of metadata', () => {
    expect(sameSandbox(sandbox, { ...sandbox, metadata: { team: 'evals', owner: 'ana' } })).toBe(true);
  });

  /** A change to every field. Add new fields of the schema here and to `sameSandbox`. */
  const changes: { [K in Exclude<keyof Sandbox, 'id' | 'key'>]: Sandbox[K][] } = {
    templateId: ['other'],
    alias: [null],
    state: ['paused'],
    metadata: [{}, { owner: 'ana' }, { owner: 'ana', team: '' }, { owner: 'ana', other: 'evals' }],
    startedAtMs: [1],
    firstStartedAtMs: [1],
    endAtMs: [1],
    cpuCount: [16],
    memoryMB: [1],
    diskSizeMB: [1],
    envdVersion: ['9.9.9'],
    lifecycle: [
      { onTimeout: 'pause', autoResume: false },
      { onTimeout: 'kill', autoResume: true },
    ],
  };

  it.each(Object.entries(changes))('sees a change of %s', (field, values) => {
    for (const value of values) expect(sameSandbox(sandbox, { ...sandbox, [field]: value })).toBe(false);
  });
});

describe('ChangeBatch', () => {
  const paused: Sandbox = { ...sandbox, state: 'paused' };

  it('keeps the last change of each sandbox', () => {
    const batch = new ChangeBatch();
    expect(batch.isEmpty).toBe(true);
    batch.change(sandbox);
    batch.change(paused);
    expect(batch.isEmpty).toBe(false);
    expect(batch.take(7)).toEqual({ seq: 7, changed: [paused], removed: [] });
    expect(batch.isEmpty).toBe(true);
    expect(batch.take(8)).toEqual({ seq: 8, changed: [], removed: [] });
  });

  it('keeps the removal of an added and removed sandbox, and the change of a removed and added one', () => {
    const batch = new ChangeBatch();
    batch.change(sandbox);
    batch.remove(sandbox.key);
    expect(batch.take(1)).toEqual({ seq: 1, changed: [], removed: [sandbox.key] });
    batch.remove(sandbox.key);
    batch.change(paused);
    expect(batch.take(2)).toEqual({ seq: 2, changed: [paused], removed: [] });
  });
});
