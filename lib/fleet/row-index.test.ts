import { describe, expect, it } from 'vitest';
import { NOW_MS, rowWith } from './test-fleet';

describe('indexSandbox', () => {
  it('uses the name of the template, or its id if it has none', () => {
    expect(rowWith({ alias: 'python' }).templateName).toBe('python');
    expect(rowWith({ alias: null, templateId: 'rki5' }).templateName).toBe('rki5');
  });

  it('has a deadline only in states with one', () => {
    expect(rowWith({ endAtMs: NOW_MS }).deadlineMs).toBe(NOW_MS);
    expect(rowWith({ endAtMs: NOW_MS, state: 'paused' }).deadlineMs).toBeNull();
    expect(rowWith({ endAtMs: NOW_MS, state: 'unknown' }).deadlineMs).toBe(NOW_MS);
  });

  it('puts its times on our clock, whatever the clock of its service is', () => {
    const start = { startedAtMs: NOW_MS, endAtMs: NOW_MS + 60_000, firstStartedAtMs: NOW_MS - 60_000 };
    expect(rowWith(start, { serviceAheadMs: 3_600_000 })).toMatchObject({
      firstStartMs: NOW_MS - 3_660_000,
      startedMs: NOW_MS - 3_600_000,
      upSinceMs: NOW_MS - 3_600_000,
      deadlineMs: NOW_MS - 3_540_000,
    });
    expect(rowWith({ ...start, state: 'paused' }, { serviceAheadMs: 3_600_000 })).toMatchObject({
      upSinceMs: null,
      deadlineMs: null,
    });
    expect(rowWith({ startedAtMs: null, endAtMs: null }, { serviceAheadMs: 3_600_000 })).toMatchObject({
      firstStartMs: null,
      startedMs: null,
      deadlineMs: null,
    });
  });

  it('separates id, template and metadata in the search text, in lower case', () => {
    const row = rowWith({ id: 'iAB', alias: 'Base', templateId: 'T1', metadata: { Owner: 'Ana' } });
    expect(row.searchText.split('\u0000')).toEqual(['iab', 'base', 't1', 'owner', 'ana']);
  });

  it('includes metadata keys named like properties of Object', () => {
    expect(rowWith({ metadata: Object.fromEntries([['__proto__', 'X']]) }).searchText).toContain(
      '__proto__\u0000x',
    );
  });
});
