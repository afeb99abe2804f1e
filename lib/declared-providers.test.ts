import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from './config';
import { readProviders } from './declared-providers';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-providers-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function file(text: string, name: string): string {
  const target = path.join(folder, name);
  fs.writeFileSync(target, text);
  return target;
}

const SECRET = 'correct horse battery staple';
const ONE = {
  SANDKEEPER_OIDC_ISSUER: 'https://login.example.com/acme',
  SANDKEEPER_OIDC_CLIENT_ID: 'sandkeeper',
  SANDKEEPER_OIDC_CLIENT_SECRET: SECRET,
  SANDKEEPER_OIDC_GRANTS: 'admins=admin; CN=ops,DC=acme=operator@moru; everyone = viewer@*',
};
const problemsOf = (environment: Record<string, string>) => readProviders(environment).problems;
const inFile = (text: string, environment: Record<string, string> = {}) =>
  readProviders({ ...environment, SANDKEEPER_OIDC_FILE: file(text, 'providers.yaml') });

describe('the variables', () => {
  it('declare nothing without an issuer', () => {
    expect(readProviders({})).toEqual({ providers: [], problems: [] });
  });

  it('declare one provider, with the groups that give roles', () => {
    const { providers, problems } = readProviders(ONE);
    expect(problems).toEqual([]);
    expect(providers).toEqual([
      {
        name: 'sso',
        title: 'login.example.com',
        issuer: 'https://login.example.com/acme',
        clientId: 'sandkeeper',
        clientSecret: SECRET,
        secretFrom: 'SANDKEEPER_OIDC_CLIENT_SECRET',
        scopes: 'openid profile email',
        parameters: {},
        groupsClaim: 'groups',
        grants: [
          { group: 'admins', role: 'admin', on: ['*'] },
          { group: 'CN=ops,DC=acme', role: 'operator', on: ['moru'] },
          { group: 'everyone', role: 'viewer', on: ['*'] },
        ],
        source: 'environment',
        declaredIn: 'SANDKEEPER_OIDC_ISSUER',
        defaults: ['title', 'scopes', 'parameters', 'groupsClaim'],
      },
    ]);
  });

  it('take the secret from a file, and further parameters', () => {
    const secretFile = file(`${SECRET}\n`, 'secret');
    const { SANDKEEPER_OIDC_CLIENT_SECRET: _, ...rest } = ONE;
    const { providers } = readProviders({
      ...rest,
      SANDKEEPER_OIDC_CLIENT_SECRET_FILE: secretFile,
      SANDKEEPER_OIDC_PARAMETERS: 'access_type=offline&prompt=consent',
      SANDKEEPER_OIDC_NAME: 'Acme',
    });
    expect(providers[0]).toMatchObject({
      clientSecret: SECRET,
      parameters: { access_type: 'offline', prompt: 'consent' },
      title: 'Acme',
      defaults: ['scopes', 'groupsClaim'],
    });
  });

  const without = (name: keyof typeof ONE) => ({ ...ONE, [name]: '' });
  it.each([
    [
      'an issuer alone',
      without('SANDKEEPER_OIDC_ISSUER'),
      /_CLIENT_ID is set but SANDKEEPER_OIDC_ISSUER is not/,
    ],
    ['no client ID', without('SANDKEEPER_OIDC_CLIENT_ID'), /^SANDKEEPER_OIDC_CLIENT_ID: /],
    [
      'no groups',
      without('SANDKEEPER_OIDC_GRANTS'),
      /^SANDKEEPER_OIDC_GRANTS: Give at least one group a role/,
    ],
    ['plain http', { ...ONE, SANDKEEPER_OIDC_ISSUER: 'http://login.example.com' }, /_ISSUER: Use https/],
    ['no address', { ...ONE, SANDKEEPER_OIDC_ISSUER: 'acme' }, /_ISSUER: Enter an address such as/],
    [
      'the issuer of every tenant',
      { ...ONE, SANDKEEPER_OIDC_ISSUER: 'https://login.microsoftonline.com/common/v2.0' },
      /_ISSUER: Use the address of your own tenant/,
    ],
    [
      'an unknown role',
      { ...ONE, SANDKEEPER_OIDC_GRANTS: 'a=owner' },
      /_GRANTS: entry 1, role: Choose viewer/,
    ],
    ['no role', { ...ONE, SANDKEEPER_OIDC_GRANTS: 'a=admin; b' }, /_GRANTS: entry 2, role: Choose viewer/],
    ['no connection', { ...ONE, SANDKEEPER_OIDC_GRANTS: 'a=admin@A B' }, /_GRANTS: entry 1, on: /],
    ['no openid scope', { ...ONE, SANDKEEPER_OIDC_SCOPES: 'profile' }, /_SCOPES: Include the scope openid/],
    [
      'a parameter of its own',
      { ...ONE, SANDKEEPER_OIDC_PARAMETERS: 'state=1' },
      /_PARAMETERS: .*Remove those that Sandkeeper sets itself/,
    ],
    [
      'two secrets',
      { ...ONE, SANDKEEPER_OIDC_CLIENT_SECRET_FILE: '/absent' },
      /_CLIENT_SECRET and SANDKEEPER_OIDC_CLIENT_SECRET_FILE are both set: remove one/,
    ],
    [
      'an unreadable file',
      { ...without('SANDKEEPER_OIDC_CLIENT_SECRET'), SANDKEEPER_OIDC_CLIENT_SECRET_FILE: '/absent' },
      /the file of SANDKEEPER_OIDC_CLIENT_SECRET_FILE cannot be read/,
    ],
  ])('say what is wrong with %s, without the secret', (_, environment, expected) => {
    const problems = problemsOf(environment);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
    expect(problems.join()).not.toContain(SECRET);
  });

  it('accept plain http on this machine', () => {
    expect(problemsOf({ ...ONE, SANDKEEPER_OIDC_ISSUER: 'http://127.0.0.1:9000' })).toEqual([]);
  });

  it('stop the start', () => {
    const read = readConfig({ ...ONE, SANDKEEPER_OIDC_GRANTS: 'a' });
    expect(read).toEqual({ ok: false, problems: [expect.stringMatching(/_GRANTS: entry 1/)] });
  });
});

describe('the file', () => {
  const FILE = `providers:
  - name: acme
    title: Acme
    issuer: https://acme.okta.com
    clientId: abc
    clientSecretEnv: ACME_SECRET
    scopes: openid profile groups
    parameters: { prompt: login }
    groupsClaim: realm_access.roles
    grants:
      - { group: leads, role: admin }
      - { group: ops, role: operator, on: [moru, e2b] }
  - name: public
    issuer: https://accounts.google.com
    clientId: def
    groupsClaim: hd
    grants: [{ group: example.com, role: viewer, on: moru }]
`;

  it('declares several providers, after the one of the variables', () => {
    const { providers, problems } = inFile(FILE, { ...ONE, ACME_SECRET: SECRET });
    expect(problems).toEqual([]);
    expect(providers.map(({ name, title, clientSecret }) => [name, title, clientSecret])).toEqual([
      ['sso', 'login.example.com', SECRET],
      ['acme', 'Acme', SECRET],
      ['public', 'accounts.google.com', null],
    ]);
    expect(providers[1]?.grants).toEqual([
      { group: 'leads', role: 'admin', on: ['*'] },
      { group: 'ops', role: 'operator', on: ['moru', 'e2b'] },
    ]);
    expect(providers[2]?.declaredIn).toMatch(/^provider public in .*providers\.yaml$/);
  });

  it.each([
    ['a missing variable', FILE, /provider acme in .*: the variable ACME_SECRET is not set/],
    [
      'another field',
      FILE.replace('clientId: abc', 'clientId: abc\n    clientID: x'),
      /provider acme.*clientID/,
    ],
    [
      'a taken name',
      FILE.replace('name: public', 'name: acme'),
      /the name acme is already used by provider acme/,
    ],
    [
      'a taken issuer',
      FILE.replace('https://accounts.google.com', 'https://acme.okta.com/'),
      /the issuer https:\/\/acme\.okta\.com is already used by provider acme/,
    ],
    ['a list elsewhere', 'connections: []', /expected a list under `providers`/],
    ['broken YAML', 'providers: [', /is not valid YAML or JSON at line 1/],
  ])('says what is wrong with %s', (what, text, expected) => {
    const { problems } = inFile(text, what === 'a missing variable' ? {} : { ACME_SECRET: SECRET });
    expect(problems.join('\n')).toMatch(expected);
    expect(problems.join()).not.toContain(SECRET);
  });

  it('is missed', () => {
    expect(problemsOf({ SANDKEEPER_OIDC_FILE: '/absent.yaml' })).toEqual([
      expect.stringMatching(/^SANDKEEPER_OIDC_FILE: \/absent\.yaml cannot be read/),
    ]);
  });
});
