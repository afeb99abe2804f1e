import { describe, expect, it } from 'vitest';
import type { GroupGrant } from '../../declared-providers';
import { claimAt, describeNoAccess, grantsOfGroups, groupsIn, quoted } from './groups';

const GRANTS: GroupGrant[] = [
  { group: 'leads', role: 'admin', on: ['*'] },
  { group: 'ops', role: 'operator', on: ['moru', 'e2b'] },
  { group: 'all', role: 'viewer', on: ['*'] },
];
const rules = { title: 'Acme', groupsClaim: 'groups', grants: GRANTS };
const problemOf = (claims: Record<string, unknown>, groupsClaim = 'groups') => {
  const groups = groupsIn(claims, { ...rules, groupsClaim });
  return groups.known ? null : groups.problem;
};

describe('groups in claims', () => {
  it('are a list of names, or one name', () => {
    expect(groupsIn({ groups: ['ops', 'all', 'ops'] }, rules)).toEqual({
      known: true,
      names: ['ops', 'all'],
    });
    expect(groupsIn({ hd: 'acme.com' }, { ...rules, groupsClaim: 'hd' })).toEqual({
      known: true,
      names: ['acme.com'],
    });
    expect(groupsIn({ groups: [] }, rules)).toEqual({ known: true, names: [] });
  });

  it('are found under a name with dots and along a path', () => {
    expect(claimAt({ 'https://acme.com/roles': ['a'] }, 'https://acme.com/roles')).toEqual(['a']);
    expect(claimAt({ realm_access: { roles: ['b'] } }, 'realm_access.roles')).toEqual(['b']);
    expect(claimAt({ realm_access: 'b' }, 'realm_access.length')).toBeUndefined();
    expect(claimAt({}, 'constructor.name')).toBeUndefined();
  });

  it('are unknown if the claim is missing', () => {
    for (const claims of [{}, { groups: null }]) expect(problemOf(claims)).toMatch(/has no claim “groups”/);
  });

  it('are unknown if the provider left them out', () => {
    for (const claims of [
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph' } } },
      { hasgroups: true },
      { groups: ['leads'], _claim_names: { groups: 'src1' } },
    ])
      expect(problemOf(claims)).toMatch(/so many groups that Acme left them out/);
    // App roles are never left out.
    expect(problemOf({ roles: ['x'], _claim_names: { groups: 'src1' } }, 'roles')).toBeNull();
  });

  it.each([
    [42],
    [true],
    [{ leads: true }],
    [['leads', 7]],
    [[['leads']]],
    [''],
    [['leads', '']],
    [['x'.repeat(513)]],
  ])('are unknown if the claim is %j', (groups) => {
    expect(problemOf({ groups })).toMatch(/is not a list of group names/);
  });

  it('are unknown if they are very many', () => {
    const groups = Array.from({ length: 2_001 }, (_, index) => `group ${index}`);
    expect(problemOf({ groups })).toMatch(/has 2,001 groups, and Sandkeeper reads at most 2,000/);
  });

  it('include an email address only if it is verified', () => {
    expect(problemOf({ email: 'a@acme.com' }, 'email')).toMatch(/has not verified your email/);
    expect(problemOf({ email: 'a@acme.com', email_verified: 'true' }, 'email')).toMatch(/has not verified/);
    expect(problemOf({ email: 'a@acme.com', email_verified: true }, 'email')).toBeNull();
  });
});

describe('the grants of groups', () => {
  it('are joined', () => {
    expect(grantsOfGroups(['ops', 'all'], GRANTS)).toEqual({
      everywhere: 'viewer',
      on: { moru: 'operator', e2b: 'operator' },
    });
    expect(grantsOfGroups(['leads', 'ops'], GRANTS).everywhere).toBe('admin');
  });

  it('need the exact name', () => {
    for (const name of ['Leads', 'leads ', 'lead', '*', ''])
      expect(grantsOfGroups([name], GRANTS)).toEqual({ everywhere: null, on: {} });
  });
});

describe('the sentence about no access', () => {
  it('names the groups that give access and those of the account', () => {
    expect(describeNoAccess({ known: true, names: ['hr', 'eu'] }, rules)).toBe(
      'Your account has none of the groups “leads”, “ops”, “all” that give access to Sandkeeper; it has: “hr”, “eu”. Ask an admin to add you to one of them in Acme, then sign in again.',
    );
    expect(describeNoAccess({ known: true, names: [] }, rules)).toContain('it is in no group.');
  });

  it('is short and plain whatever the groups are called', () => {
    const names = Array.from({ length: 500 }, (_, index) => `\u202E${'x'.repeat(400)}\n<b>${index}`);
    const sentence = describeNoAccess({ known: true, names }, rules);
    expect(sentence).toContain('and 492 more');
    expect(sentence.length).toBeLessThan(900);
    expect(sentence).not.toMatch(/[\u202E\n]/);
    expect(sentence).toContain('[RLO]');
  });

  it('quotes text of a provider', () => {
    expect(quoted('a\u0000b')).toBe('“a␀b”');
    expect(quoted('é'.repeat(60))).toBe(`“${'é'.repeat(47)}…”`);
  });
});
