import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDeclared } from './declared-connections';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-declared-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function file(text: string, name = 'connections.yaml'): string {
  const target = path.join(folder, name);
  fs.writeFileSync(target, text);
  return target;
}

const inFile = (text: string, environment: Record<string, string> = {}) =>
  readDeclared({ ...environment, SANDKEEPER_CONNECTIONS: file(text) });

describe('the environment', () => {
  it('declares nothing without a key', () => {
    expect(readDeclared({ MORU_API_KEY: '  ', E2B_DOMAIN: 'e2b.app' })).toEqual({
      connections: [],
      problems: [],
    });
  });

  it('declares one connection for each service, at its own address', () => {
    const { connections, problems } = readDeclared({ MORU_API_KEY: 'moru_1', E2B_API_KEY: 'e2b_2' });
    expect(problems).toEqual([]);
    expect(connections).toEqual([
      expect.objectContaining({
        name: 'moru',
        kind: 'moru',
        title: 'Moru',
        key: 'moru_1',
        apiUrl: 'https://api.moru.io',
        domain: 'moru.io',
        sandboxUrl: null,
        source: 'environment',
        keySetting: 'MORU_API_KEY',
        addressSetting: 'MORU_API_URL',
      }),
      expect.objectContaining({ name: 'e2b', kind: 'e2b', apiUrl: 'https://api.e2b.app', domain: 'e2b.app' }),
    ]);
  });

  it('takes another domain for a service that speaks the same API', () => {
    const { connections } = readDeclared({
      E2B_API_KEY: 'e2b_2',
      E2B_DOMAIN: 'boxes.example.com',
      E2B_TEAM_ID: 'team-7',
    });
    expect(connections).toEqual([
      expect.objectContaining({
        kind: 'e2b-compatible',
        apiUrl: 'https://api.boxes.example.com',
        domain: 'boxes.example.com',
        teamId: 'team-7',
      }),
    ]);
  });
});

describe('a file', () => {
  it('declares any number, with keys by value, by variable and by file', () => {
    file('moru_from_file\n', 'key.txt');
    const { connections, problems } = inFile(
      `connections:
  - { name: prod, title: Production, kind: e2b, key: e2b_1, label: P }
  - { name: staging, kind: moru, keyEnv: STAGING_KEY }
  - name: own
    kind: e2b-compatible
    apiUrl: http://10.0.0.7:8080/api/
    sandboxUrl: http://10.0.0.7:8081
    keyFile: key.txt
`,
      { STAGING_KEY: 'moru_2', MORU_API_KEY: 'moru_3' },
    );
    expect(problems).toEqual([]);
    expect(connections.map(({ name, key, source }) => [name, key, source])).toEqual([
      ['moru', 'moru_3', 'environment'],
      ['prod', 'e2b_1', 'file'],
      ['staging', 'moru_2', 'file'],
      ['own', 'moru_from_file', 'file'],
    ]);
    expect(connections[1]).toMatchObject({
      title: 'Production',
      label: 'P',
      keySetting: expect.stringMatching(/^connection prod in .*connections\.yaml$/),
    });
    expect(connections[2]).toMatchObject({ title: 'staging', label: null });
    expect(connections[3]).toMatchObject({ apiUrl: 'http://10.0.0.7:8080/api', domain: '10.0.0.7:8080' });
  });

  it('may be JSON', () => {
    expect(inFile('{"connections":[{"name":"a","kind":"moru","key":"k"}]}').connections).toHaveLength(1);
  });

  it.each([
    ['connections: 3', /expected array/i],
    ['- a', /expected a list under `connections`/],
    ['connections: [{ name: Prod, kind: moru, key: k }]', /name: Use 1 to 32 lower-case letters/],
    ['connections: [{ name: a, kind: aws, key: k }]', /kind: Choose moru, e2b or e2b-compatible/],
    ['connections: [{ name: a, kind: local, key: k }]', /kind: Choose moru, e2b or e2b-compatible/],
    ['connections: [{ name: local, kind: moru, key: k }]', /the name local is the local engine's/],
    ['connections: [{ name: a, kind: e2b-compatible, key: k }]', /apiUrl: Enter the address of the API/],
    ['connections: [{ name: a, kind: moru, key: k, apiUrl: "https://u:p@a.io" }]', /without a user name/],
    ['connections: [{ name: a, kind: moru, key: k, apiUrl: "ftp://a.io" }]', /apiUrl: Enter an http/],
    ['connections: [{ name: a, kind: moru, key: k, region: eu }]', /Unrecognized key: "region"/],
    ['connections: [{ name: a, kind: moru }]', /connection a .*exactly one of key, keyEnv and keyFile/],
    ['connections: [{ kind: moru, key: k, keyEnv: K }]', /connection number 1 .*exactly one of/],
    ['connections: [{ name: a, kind: moru, keyEnv: ABSENT }]', /the variable ABSENT is not set/],
    ['connections: [{ name: a, kind: moru, keyFile: absent }]', /the key file cannot be read: ENOENT/],
  ])('%s is explained', (text, sentence) => {
    const { connections, problems } = inFile(text);
    expect(connections).toEqual([]);
    expect(problems).toEqual([expect.stringMatching(sentence)]);
  });

  it('keeps the good ones and refuses a second one of the same name', () => {
    const { connections, problems } = inFile(`connections:
  - { name: a, kind: moru, key: one }
  - { name: a, kind: e2b, key: two }
  - { name: b, kind: e2b, key: three }
`);
    expect(connections.map(({ name, key }) => [name, key])).toEqual([
      ['a', 'one'],
      ['b', 'three'],
    ]);
    expect(problems).toEqual([expect.stringMatching(/the name a is taken/)]);
  });

  it('never quotes a key in a problem', () => {
    for (const text of [
      'connections: [{ name: a, kind: moru, key: "sec ret" }]',
      '{"connections":[{"name":"a","kind":"moru","key":"sec ret"]}',
      'connections:\n  - name: a\n   key: sec ret: x\n',
    ]) {
      const { problems } = inFile(text);
      expect(problems).toHaveLength(1);
      expect(problems[0]).not.toMatch(/sec|ret/);
    }
  });

  it('is named when it cannot be read', () => {
    expect(readDeclared({ SANDKEEPER_CONNECTIONS: '/absent.yaml' }).problems).toEqual([
      expect.stringMatching(/SANDKEEPER_CONNECTIONS: \/absent\.yaml cannot be read: ENOENT/),
    ]);
    expect(inFile('a: b: c').problems).toEqual([expect.stringMatching(/at line 1, column \d+\.$/)]);
  });
});
