import { describe, expect, it } from 'vitest';
import { NOW_MS, rowWith } from './test-fleet';

describe('indexSandbox', () => {
  it('calls the template by its name, or by its id where it has none', () => {
    expect(rowWith({ alias: 'python' }).templateName).toBe('python');
    expect(rowWith({ alias: null, templateId: 'rki5' }).templateName).toBe('rki5');
  });

  it('knows a deadline only where the state has one', () => {
    expect(rowWith({ endAtMs: NOW_MS }).deadlineMs).toBe(NOW_MS);
    expect(rowWith({ endAtMs: NOW_MS, state: 'paused' }).deadlineMs).toBeNull();
    expect(rowWith({ endAtMs: NOW_MS, state: 'unknown' }).deadlineMs).toBe(NOW_MS);
  });

  it('searches id, template and metadata in lower case, each apart from the next', () => {
    const row = rowWith({ id: 'iAB', alias: 'Base', templateId: 'T1', metadata: { Owner: 'Ana' } });
    expect(row.searchText.split('\u0000')).toEqual(['iab', 'base', 't1', 'owner', 'ana']);
  });

  it('includes keys that objects have by nature', () => {
    expect(rowWith({ metadata: Object.fromEntries([['__proto__', 'X']]) }).searchText).toContain(
      '__proto__\u0000x',
    );
  });
});
