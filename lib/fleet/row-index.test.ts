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
