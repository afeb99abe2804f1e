import { describe, expect, it } from 'vitest';
import {
  ANYWHERE,
  describeGrants,
  EVERYWHERE,
  grantsFingerprint,
  intersectGrants,
  joinGrants,
  mayIn,
  NO_GRANTS,
  roleIn,
  roleOn,
} from './grants';

const mixed = { everywhere: null, on: { prod: 'viewer', staging: 'admin' } } as const;
const operator = { everywhere: 'operator', on: { staging: 'admin', prod: 'viewer' } } as const;

describe('a role on a connection', () => {
  it('is the higher one of its own grant and the grant on all', () => {
    expect(roleOn(mixed, 'prod')).toBe('viewer');
    expect(roleOn(operator, 'prod')).toBe('operator');
    expect(roleOn(operator, 'staging')).toBe('admin');
    expect(roleOn(operator, 'added-later')).toBe('operator');
  });

  it('is missing on other connections and on names of object properties', () => {
    for (const name of ['other', 'constructor', '__proto__', '', '?', '*'])
      expect(roleOn(mixed, name)).toBeNull();
  });
});

describe('a role in a scope', () => {
  it('is the highest anywhere, and everywhere only by the grant on all', () => {
    expect(roleIn(mixed, ANYWHERE)).toBe('admin');
    expect(roleIn(mixed, EVERYWHERE)).toBeNull();
    expect(roleIn(operator, EVERYWHERE)).toBe('operator');
    expect(roleIn(NO_GRANTS, ANYWHERE)).toBeNull();
  });

  it('is the lowest on several connections, and missing if it is missing on one', () => {
    expect(roleIn(mixed, ['staging', 'prod', 'staging'])).toBe('viewer');
    expect(roleIn(mixed, ['staging', 'other'])).toBeNull();
    expect(mayIn(mixed, 'operator', ['staging'])).toBe(true);
    expect(mayIn(mixed, 'operator', ['staging', 'prod'])).toBe(false);
  });
});

describe('several grants', () => {
  it('join to the higher role', () => {
    expect(joinGrants([mixed, { everywhere: null, on: { prod: 'operator', dev: 'viewer' } }])).toEqual({
      everywhere: null,
      on: { prod: 'operator', staging: 'admin', dev: 'viewer' },
    });
    expect(joinGrants([])).toEqual(NO_GRANTS);
  });

  it('intersect to the lower role', () => {
    const both = intersectGrants({ everywhere: 'operator', on: {} }, mixed);
    expect(both).toEqual({ everywhere: null, on: { prod: 'viewer', staging: 'operator' } });
    expect(roleOn(intersectGrants(operator, operator), 'staging')).toBe('admin');
  });

  it('have one fingerprint in any order', () => {
    const other = { everywhere: 'operator', on: { prod: 'viewer', staging: 'admin' } } as const;
    expect(grantsFingerprint(other)).toBe(grantsFingerprint(operator));
    expect(grantsFingerprint(mixed)).not.toBe(grantsFingerprint(operator));
  });
});

it('describes the roles in words', () => {
  expect(describeGrants({ everywhere: 'admin', on: { staging: 'viewer' } })).toBe('admin');
  expect(describeGrants({ everywhere: 'viewer', on: { staging: 'operator', prod: 'viewer' } })).toBe(
    'viewer; operator on staging',
  );
  expect(describeGrants({ everywhere: null, on: { staging: 'operator', prod: 'viewer' } })).toBe(
    'operator on staging; viewer on prod',
  );
  expect(describeGrants(NO_GRANTS)).toBe('none');
});
