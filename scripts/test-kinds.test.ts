import { describe, expect, it } from 'vitest';
import { findTests, isPure, leavesProcess } from './lib/test-kinds.mjs';

describe('isPure', () => {
  it.each([
    'lib/fleet/filter/filter.test.ts',
    'components/ui/bytes.test.ts',
    'lib/operations/plan/plan.property.test.ts',
  ])('is true for %s', (test) => {
    expect(isPure(test)).toBe(true);
  });

  it.each([
    ['imports a helper with an engine', 'lib/wake/sharing.test.ts'],
    ['imports a module that opens a database', 'lib/db/migrations.test.ts'],
    ['changes the clock', 'lib/console/session.test.ts'],
    ['reads files', 'lib/conventions.test.ts'],
    ['runs programs', 'scripts/children.test.ts'],
  ])('is false for a test that %s', (_, test) => {
    expect(findTests(['lib', 'scripts'])).toContain(test);
    expect(isPure(test)).toBe(false);
  });
});

describe('leavesProcess', () => {
  it.each([
    ['runs logic alone', 'lib/fleet/filter/filter.test.ts'],
    ['starts an engine for each test', 'lib/engine/control/list.test.ts'],
  ])('is true for a test that %s', (_, test) => {
    expect(findTests(['lib'])).toContain(test);
    expect(leavesProcess(test)).toBe(true);
  });

  it.each([
    ['sets the environment', 'lib/wake/sharing.test.ts'],
    ['imports the configuration', 'lib/db/migrations.test.ts'],
    ['imports a helper with hooks of its own', 'lib/engine/jail/limits.test.ts'],
    ['runs programs of the repository', 'scripts/children.test.ts'],
  ])('is false for a test that %s', (_, test) => {
    expect(findTests(['lib', 'scripts'])).toContain(test);
    expect(leavesProcess(test)).toBe(false);
  });
});
