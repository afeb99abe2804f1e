import { fromJson, jsonOf } from '../../lib/json-of';
import type { OperationPlan } from '../../lib/operations/schema';
import type { Role } from '../../lib/roles';
import { serverActions } from '../support/actions';
import { expectUntouched, foreignOrigins, LESSER } from '../support/guards';
import { type Answer, ask, callAction, cookieOf, resultIn } from '../support/http';
import { LOCAL, localKey, pageOf } from '../support/local';
import { expect, test } from './fixtures';

type Wanted = {
  role: Role | null;
  args: (id: string) => unknown[];
  /** A page that includes the action, if the fleet page does not. */
  path?: string;
};

const FLEET = '/sandboxes';
const CONNECTIONS = '/settings/connections';

const PROFILE = '/settings/profile';

const NEW_CONNECTION = {
  kind: 'e2b',
  name: 'never-added',
  title: '',
  label: '',
  apiUrl: 'http://127.0.0.1:1',
  domain: '',
  sandboxUrl: '',
  teamId: '',
  key: 'e2b_0123456789abcdef',
};

/** The role that each server action requires, and arguments with which it would have an effect. */
const ACTIONS: Record<string, Wanted> = {
  planKill: { role: 'admin', args: (id) => [{ sandboxKeys: [localKey(id)] }] },
  startPlan: { role: 'admin', args: () => [{ token: 'x'.repeat(20), typed: '', reason: '', filter: '' }] },
  runCommand: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), command: 'touch /tmp/ran', limitMs: 1_000 }],
    path: `${pageOf('x')}/run`,
  },
  sendSignal: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), pid: 1, mark: 'x'.repeat(43), signal: 'KILL' }],
    path: `${pageOf('x')}/processes`,
  },
  sendSignalInside: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), pid: 1, startTicks: 0, signal: 'KILL' }],
    path: `${pageOf('x')}/processes`,
  },
  planRun: {
    role: 'operator',
    args: (id) => [{ sandboxKeys: [localKey(id)], command: 'true', limitMs: 1_000 }],
  },
  startRun: { role: 'operator', args: () => [{ token: 'x'.repeat(20), reason: '', filter: '' }] },
  planTimeLeft: { role: 'operator', args: (id) => [{ sandboxKeys: [localKey(id)], addMs: 60_000 }] },
  startTimeLeft: { role: 'operator', args: () => [{ token: 'x'.repeat(20), reason: '', filter: '' }] },
  operate: { role: 'operator', args: (id) => [{ act: 'pause', sandboxKeys: [localKey(id)], filter: '' }] },
  tryHeldNow: { role: 'operator', args: () => [{ connection: 'local' }] },
  cancelOperation: { role: 'operator', args: () => [{ operationId: 'x' }] },
  checkAgain: { role: 'operator', args: () => [{ operationId: 'x' }], path: '/operations/x' },
  startWake: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), minutes: 5 }],
    path: `${pageOf('x')}/files`,
  },
  extendWake: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id) }],
    path: `${pageOf('x')}/files`,
  },
  endWake: { role: 'operator', args: (id) => [{ sandboxKey: localKey(id) }], path: `${pageOf('x')}/files` },
  makeFolder: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), folder: '/tmp', name: 'made' }],
    path: `${pageOf('x')}/files`,
  },
  renameEntry: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), path: '/etc/hostname', name: 'renamed' }],
    path: `${pageOf('x')}/files`,
  },
  deleteEntries: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), paths: ['/etc/hostname'] }],
    path: `${pageOf('x')}/files`,
  },
  openConsole: {
    role: 'operator',
    args: (id) => [{ sandboxKey: localKey(id), user: null, cwd: null, size: { cols: 80, rows: 24 } }],
    path: `${pageOf('x')}/console`,
  },
  closeConsole: {
    role: 'operator',
    args: () => [{ id: 'x'.repeat(20), evenIfBusy: true }],
    path: `${pageOf('x')}/console`,
  },
  renameConsole: {
    role: 'operator',
    args: () => [{ id: 'x'.repeat(20), name: 'mine' }],
    path: `${pageOf('x')}/console`,
  },
  createOne: {
    role: 'operator',
    args: () => [{ connection: LOCAL, template: 'base', metadata: {}, timeoutMs: 60_000, autoPause: false }],
  },
  createDemo: { role: 'admin', args: () => [LOCAL] },
  tryConnection: { role: 'admin', args: () => [NEW_CONNECTION], path: CONNECTIONS },
  addOneConnection: { role: 'admin', args: () => [NEW_CONNECTION], path: CONNECTIONS },
  editOneConnection: {
    role: 'admin',
    args: () => [{ version: 1, entered: NEW_CONNECTION }],
    path: CONNECTIONS,
  },
  replaceConnectionKey: {
    role: 'admin',
    args: () => [{ name: LOCAL, version: 1, key: 'e2b_0' }],
    path: `${CONNECTIONS}/${LOCAL}`,
  },
  switchConnection: {
    role: 'admin',
    args: () => [{ name: LOCAL, isDisabled: true }],
    path: `${CONNECTIONS}/${LOCAL}`,
  },
  removeOneConnection: {
    role: 'admin',
    args: () => [{ name: LOCAL, version: 1, typed: LOCAL }],
    path: `${CONNECTIONS}/${LOCAL}`,
  },
  checkOneConnection: { role: 'operator', args: () => [LOCAL], path: `${CONNECTIONS}/${LOCAL}` },
  // Viewers save views of their own.
  saveOneView: { role: 'operator', args: () => [{ name: 'x', query: '', isShared: true }] },
  renameOneView: { role: 'viewer', args: () => [{ id: 'x', name: 'x' }] },
  deleteOneView: { role: 'viewer', args: () => [{ id: 'x' }] },
  chooseStartView: { role: 'viewer', args: () => [{ id: null }] },
  changeOwnName: { role: 'viewer', args: () => [{ name: 'Somebody else' }], path: PROFILE },
  endOwnSession: { role: 'viewer', args: () => [{ ref: 'x'.repeat(22) }], path: PROFILE },
  endOtherOwnSessions: { role: 'viewer', args: () => [{}], path: PROFILE },
  endSessionOfPerson: {
    role: 'admin',
    args: () => [{ userId: 'local-admin', ref: 'x'.repeat(22) }],
    path: PROFILE,
  },
  endSessionsOfPerson: { role: 'admin', args: () => [{ userId: 'local-admin' }], path: PROFILE },
  signOut: { role: null, args: () => [] },
  signIn: { role: null, args: () => [null, null] },
};

const guarded = Object.entries(ACTIONS).filter(([, { role }]) => role !== null);

function actionNamed(name: string) {
  const found = serverActions().find((action) => action.name === name);
  if (!found) throw new Error(`No action ${name}`);
  return found;
}

function expectRefused(answer: Answer, code: string, description: string): void {
  expect(answer.status, description).toBe(200);
  expect(resultIn(answer), description).toMatchObject({ ok: false, error: { code } });
}

test('covers every action of the build', () => {
  expect(
    serverActions()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(Object.keys(ACTIONS).sort());
});

test('rejects every action without a session or with a lower role', async ({
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create();
  for (const [name, { role, args, path = FLEET }] of guarded) {
    const call = (headers: Record<string, string>) =>
      callAction(sandkeeper, actionNamed(name), { path, args: args(id), headers });
    expectRefused(await call({}), 'unauthenticated', `${name} without a session`);
    expectRefused(
      await call(cookieOf(sandkeeper, 'forged.cookie')),
      'unauthenticated',
      `${name} by a forger`,
    );
    for (const lesser of role === null ? [] : LESSER[role]) {
      expectRefused(
        await call(cookieOf(sandkeeper, sessions[lesser])),
        'forbidden',
        `${name} by a ${lesser}`,
      );
    }
  }
  await expectUntouched(moru, id);
});

test('guards actions posted to the sign-in page', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const [name, { role, args }] of guarded) {
    for (const headers of role === 'viewer' ? [{}] : [{}, cookieOf(sandkeeper, sessions.viewer)]) {
      const answer = await callAction(sandkeeper, actionNamed(name), {
        path: '/sign-in',
        args: args(id),
        headers,
      });
      expect(resultIn(answer)?.ok ?? false, name).toBe(false);
    }
  }
  await expectUntouched(moru, id);
});

test('guards actions sent as forms without scripts', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const [name] of guarded) {
    const body = `--x\r\nContent-Disposition: form-data; name="$ACTION_ID_${actionNamed(name).id}"\r\n\r\n\r\n--x--\r\n`;
    for (const headers of [
      { origin: sandkeeper.url },
      { origin: sandkeeper.url, ...cookieOf(sandkeeper, sessions.viewer) },
      { origin: 'null', ...cookieOf(sandkeeper, sessions.admin) },
      { origin: 'http://evil.example', ...cookieOf(sandkeeper, sessions.admin) },
      cookieOf(sandkeeper, sessions.admin),
    ]) {
      await ask(sandkeeper, '/sandboxes', {
        method: 'POST',
        body,
        headers: { ...headers, 'content-type': 'multipart/form-data; boundary=x' },
      });
    }
  }
  await expectUntouched(moru, id);
});

test('rejects actions from other origins', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  for (const [what, headers] of Object.entries(foreignOrigins(sandkeeper))) {
    for (const [name, { args, path = FLEET }] of guarded) {
      const answer = await callAction(sandkeeper, actionNamed(name), {
        path,
        args: args(id),
        headers: { ...cookieOf(sandkeeper, sessions.admin), ...headers },
      });
      expect(resultIn(answer)?.ok ?? false, `${name} with ${what}`).toBe(false);
    }
  }
  await expectUntouched(moru, id);
});

test('rejects signing in or out from other origins', async ({ sandkeeper, sessions }) => {
  const form = new FormData();
  form.set('token', sandkeeper.signInToken);
  for (const origin of ['https://evil.example', 'null', '']) {
    const signedIn = await callAction(sandkeeper, actionNamed('signIn'), {
      path: '/sign-in',
      args: form,
      headers: { origin },
    });
    expect(signedIn.headers['set-cookie'], origin).toBeUndefined();
    await callAction(sandkeeper, actionNamed('signOut'), {
      path: '/sandboxes',
      args: [],
      headers: { ...cookieOf(sandkeeper, sessions.operator), origin },
    });
  }
  const session = await ask(sandkeeper, '/api/session', { headers: cookieOf(sandkeeper, sessions.operator) });
  expect(session.status).toBe(200);
});

test('rejects invalid arguments from every role', async ({ sandkeeper, moru, sessions }) => {
  const id = await moru.create();
  const key = localKey(id);
  const cases: [name: string, args: unknown[]][] = [
    ['planKill', []],
    ['planKill', [null]],
    ['planKill', [{ sandboxKeys: [] }]],
    ['planKill', [{ sandboxKeys: [id] }]],
    ['planKill', [{ sandboxKeys: ['../templates'] }]],
    ['planKill', [{ sandboxKeys: ['local/../templates'] }]],
    ['planKill', [{ sandboxKeys: [`Local/${id}`] }]],
    ['planKill', [{ sandboxKeys: [`/${id}`] }]],
    ['planKill', [{ sandboxKeys: [key, localKey('x'.repeat(65))] }]],
    ['planKill', [{ sandboxKeys: [key], all: true }]],
    ['planKill', [{ sandboxKeys: [[key]] }]],
    ['planKill', [{ sandboxKeys: [key], graceMs: 1 }]],
    ['planKill', [{ sandboxKeys: [key], graceMs: 3_600_001 }]],
    ['planKill', [{ sandboxKeys: [key], exportPath: '/work/../etc' }]],
    ['planKill', [{ sandboxKeys: [key], exportPath: 'relative' }]],
    ['planKill', [{ sandboxKeys: [key], retryOf: '../x' }]],
    ['startPlan', [{ token: '', typed: '', reason: '', filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: '', filter: 'x'.repeat(2_001) }]],
    ['startPlan', [{ token: 'x', typed: '', reason: 'x'.repeat(501), filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: 'old\0 and more', filter: '' }]],
    ['startPlan', [{ token: 'x', typed: '', reason: '\u001b[31mred', filter: '' }]],
    ['startRun', [{ token: 'x', reason: 'old\0', filter: '' }]],
    ['operate', [{ act: 'kill', sandboxKeys: [key], filter: '' }]],
    ['operate', [{ act: 'setTimeout', sandboxKeys: [key], filter: '', timeoutMs: -1 }]],
    ['operate', [{ act: 'setTimeout', sandboxKeys: [key], filter: '', timeoutMs: 0 }]],
    ['operate', [{ act: 'resume', sandboxKeys: [key], filter: '', timeoutMs: 60_000, autoPause: 'yes' }]],
    ['cancelOperation', [{ operationId: '../x' }]],
    ['cancelOperation', [{}]],
    ['checkAgain', [{ operationId: 'x', all: true }]],
    [
      'createOne',
      [{ connection: '../x', template: 'base', metadata: {}, timeoutMs: 60_000, autoPause: false }],
    ],
    [
      'createOne',
      [{ connection: LOCAL, template: '../x', metadata: {}, timeoutMs: 60_000, autoPause: false }],
    ],
    [
      'createOne',
      [{ connection: LOCAL, template: 'base', metadata: { a: 1 }, timeoutMs: 60_000, autoPause: false }],
    ],
    [
      'createOne',
      [
        {
          connection: LOCAL,
          template: 'base',
          metadata: {},
          timeoutMs: 60_000,
          autoPause: false,
          secure: false,
        },
      ],
    ],
    ...[
      { name: '../x' },
      { kind: 'local' },
      { apiUrl: 'file:///etc/passwd' },
      { apiUrl: 'http://user:password@127.0.0.1/' },
      { apiUrl: 'http://127.0.0.1/?a=b' },
      { sandboxUrl: 'unix:/run/docker.sock' },
      { key: 'a\r\nx-api-key: b' },
      { isDisabled: true },
    ].flatMap((changes): [string, unknown[]][] => [
      ['tryConnection', [{ ...NEW_CONNECTION, ...changes }]],
      ['addOneConnection', [{ ...NEW_CONNECTION, ...changes }]],
      ['editOneConnection', [{ version: 1, entered: { ...NEW_CONNECTION, ...changes } }]],
    ]),
    ['editOneConnection', [{ version: 0, entered: NEW_CONNECTION }]],
    ['replaceConnectionKey', [{ name: LOCAL, version: 1, key: '' }]],
    ['removeOneConnection', [{ name: LOCAL, version: 1, typed: 'other' }]],
    ['switchConnection', [{ name: LOCAL, isDisabled: 1 }]],
    ['checkOneConnection', ['../x']],
  ];
  for (const [name, args] of cases) {
    const answer = await callAction(sandkeeper, actionNamed(name), {
      path: ACTIONS[name]?.path ?? FLEET,
      args,
      headers: cookieOf(sandkeeper, sessions.admin),
    });
    expectRefused(answer, 'invalid', `${name} with ${JSON.stringify(args).slice(0, 100)}`);
  }
  await expectUntouched(moru, id);
});

test('starts a plan only for the person who made it, and only with a valid token', async ({
  sandkeeper,
  moru,
  sessions,
}) => {
  const id = await moru.create();
  const as = (session: string) => ({ path: '/sandboxes', headers: cookieOf(sandkeeper, session) });
  const planned = await callAction(sandkeeper, actionNamed('planKill'), {
    ...as(sessions.admin),
    args: [{ sandboxKeys: [localKey(id)] }],
  });
  const { token } = fromJson(resultIn<OperationPlan>(planned)?.value ?? jsonOf({ token: '' }));
  expect(token).not.toBe('');
  const others = await sandkeeper.openSessions();
  for (const [session, wanted] of [
    [others.admin, token],
    [sessions.admin, `${token.slice(0, -1)}_`],
  ] as const) {
    const answer = await callAction(sandkeeper, actionNamed('startPlan'), {
      ...as(session),
      args: [{ token: wanted, typed: '', reason: '', filter: '' }],
    });
    expectRefused(answer, 'conflict', 'a plan of somebody else');
  }
  await expectUntouched(moru, id);
});
