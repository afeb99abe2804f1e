import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, onTestFinished } from 'vitest';
import { fromJson } from '../../lib/json-of';
import { CHANNELS, type Channel, printPolledTopic, type Topic } from '../../lib/live/protocol';
import type { Operation, OperationPlan } from '../../lib/operations/schema';
import { paths } from '../../lib/paths';
import type { Role } from '../../lib/roles';
import { keyOf, type SandboxKey } from '../../lib/sandbox-key';
import { serverActions } from '../support/actions';
import { type Answer, ask, callAction, cookieOf, openLive, resultIn } from '../support/http';
import { LOCAL } from '../support/local';
import { type Neighbourhood, openNeighbourhood } from '../support/neighbour';
import { ROOT } from '../support/processes';
import { expect, test } from './fixtures';

/**
 * A person with a role on one connection finds nothing of another. Asks for every page, route, action and channel of the
 * build, for what is theirs and for what is not, and searches every byte of every answer.
 */

/** Part of everything that is called something over there. */
const MARK = 'hiddenzq';
const HIDDEN = `${MARK}-prod`;
const OUTSIDER = `Outsider ${MARK}`;
const SPANNING = `Spanning ${MARK}`;
const SECRET = `${MARK}-argument`;
/** An argument of a command on their own connection, which viewers do not see. */
const OWN_SECRET = 'argument-for-operators';

/** What an address or an argument can name. */
type Target = {
  connection: string;
  sandboxId: string;
  operationId: string;
  consoleId: string;
  planToken: string;
  viewId: string;
  processMark: string;
};

type Scene = Neighbourhood & {
  sessions: Record<'viewer' | 'admin' | 'nobody' | typeof OUTSIDER | typeof SPANNING, string>;
  mine: Target;
  theirs: Target;
  /** Nothing of this may be in an answer. */
  needles: string[];
};

const FAR = { sandboxId: 'inowhere', operationId: 'o'.repeat(20), consoleId: 'c'.repeat(20) };
const NOTHING = { ...FAR, planToken: 'p'.repeat(20), viewId: 'v'.repeat(16), processMark: 'm'.repeat(43) };

async function setScene(): Promise<Scene> {
  const place = await openNeighbourhood({ name: HIDDEN, title: `Title ${MARK}`, label: 'Hzq' });
  onTestFinished(place.close);
  const { sandkeeper, local, other, otherUrl } = place;
  const sessions = await sandkeeper.openSessionsOf([
    { name: 'viewer', on: { [LOCAL]: 'viewer' } },
    { name: 'admin', on: { [LOCAL]: 'admin' } },
    { name: 'nobody', on: {} },
    { name: OUTSIDER, on: { [HIDDEN]: 'admin' } },
    { name: SPANNING, on: { '*': 'admin' } },
  ]);
  const [mineId, spareId] = [await local.create({ metadata: { owner: 'me' } }), await local.create()];
  const metadata = { [`${MARK}-key`]: `${MARK}-value`, owner: MARK };
  const [theirId, otherId] = [await other.create({ metadata }), await other.create({ metadata })];
  const fleetOf = async (session: string, connection: string) => {
    const answer = await ask(sandkeeper, `/api/fleet/${connection}`, {
      headers: cookieOf(sandkeeper, session),
    });
    return answer.status === 200 ? textOf(answer) : '';
  };
  await expect.poll(() => fleetOf(sessions[OUTSIDER], HIDDEN), { timeout: 30_000 }).toContain(otherId);
  await expect.poll(() => fleetOf(sessions.viewer, LOCAL), { timeout: 30_000 }).toContain(spareId);

  const act = async <T>(session: string, name: string, args: unknown): Promise<T> => {
    const answer = await callAction(sandkeeper, actionNamed(name), {
      path: pageFor(name),
      args: [args],
      headers: cookieOf(sandkeeper, session),
    });
    const result = resultIn<T>(answer);
    if (!result?.ok) throw new Error(`${name} failed: ${answer.text.slice(0, 500)}`);
    return fromJson(result.value);
  };
  const by = (session: string) => ({
    run: async (key: SandboxKey, argument: string) =>
      (
        await act<{ operation: Operation }>(session, 'runCommand', {
          sandboxKey: key,
          command: `true ${argument}`,
          limitMs: 60_000,
        })
      ).operation.id,
    pause: async (keys: SandboxKey[], more: object = {}) =>
      (
        await act<{ operation: Operation }>(session, 'operate', {
          act: 'pause',
          sandboxKeys: keys,
          filter: `connection:${HIDDEN}`,
          ...more,
        })
      ).operation.id,
    plan: async (key: SandboxKey) =>
      (await act<OperationPlan>(session, 'planKill', { sandboxKeys: [key] })).token,
    console: (key: SandboxKey) =>
      act<string>(session, 'openConsole', {
        sandboxKey: key,
        user: null,
        cwd: null,
        size: { cols: 80, rows: 24 },
      }),
    view: async (name: string, query: string) =>
      (
        await act<{ id: string; name: string }[]>(session, 'saveOneView', { name, query, isShared: true })
      ).find((view) => view.name === name)?.id ?? '',
  });
  const [theirKey, otherKey] = [keyOf(HIDDEN, theirId), keyOf(HIDDEN, otherId)];
  const [mineKey, spareKey] = [keyOf(LOCAL, mineId), keyOf(LOCAL, spareId)];
  const outsider = by(sessions[OUTSIDER]);
  const spanning = by(sessions[SPANNING]);
  const admin = by(sessions.admin);
  const spanningId = await spanning.pause([spareKey, otherKey]);
  const theirs: Target = {
    ...NOTHING,
    connection: HIDDEN,
    sandboxId: theirId,
    operationId: await outsider.run(theirKey, SECRET),
    consoleId: await outsider.console(theirKey),
    planToken: await outsider.plan(theirKey),
    viewId: await outsider.view(`View ${MARK}`, `q=connection%3A${HIDDEN}`),
  };
  const mine: Target = {
    ...NOTHING,
    connection: LOCAL,
    sandboxId: mineId,
    operationId: await admin.run(mineKey, OWN_SECRET),
    consoleId: await admin.console(mineKey),
    planToken: await admin.plan(mineKey),
    viewId: await admin.view('Mine', 'q=owner%3Dme'),
  };
  const { port } = new URL(otherUrl);
  const ids = [
    theirId,
    otherId,
    theirs.operationId,
    theirs.consoleId,
    theirs.planToken,
    theirs.viewId,
    spanningId,
  ];
  return { ...place, sessions, mine, theirs, needles: [MARK, ...ids, `:${port}`] };
}

function actionNamed(name: string) {
  const found = serverActions().find((action) => action.name === name);
  if (!found) throw new Error(`No action ${name}`);
  return found;
}

/** The text of a response, also of a compressed one. */
function textOf({ body, headers }: Answer): string {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  return `${JSON.stringify(headers)}\n${isGzip ? gunzipSync(body).toString('latin1') : body.toString('utf8')}`;
}

/** What of the needles is in an answer, apart from what the request named itself. */
function foundIn(answer: string, request: string, needles: readonly string[]): string[] {
  const asked = decodeURIComponent(request);
  let rest = answer;
  for (const name of [HIDDEN, OUTSIDER, ...needles.filter((needle) => needle !== MARK)]) {
    if (!asked.includes(name)) continue;
    for (const echo of [name, encodeURIComponent(name), name.replaceAll(' ', '+')])
      rest = rest.replaceAll(echo, '');
  }
  const lower = rest.toLowerCase();
  return needles.filter((needle) => lower.includes(needle.toLowerCase()));
}

/** Routes of the build, and those that the server handles without Next.js. */
function allRoutes(): string[] {
  const text = readFileSync(join(ROOT, '.next/app-path-routes-manifest.json'), 'utf8');
  const manifest: Record<string, string> = JSON.parse(text);
  const files = ['content', 'archive'].map((name) => `/api/c/[connection]/sandboxes/[id]/files/${name}`);
  return [...new Set([...Object.values(manifest), ...files])];
}

/** The queries of routes that need one, by the end of their path. */
const QUERIES: Record<string, (target: Target) => string> = {
  '/items': () => '?format=json',
  '/archive': () => '?path=/etc/hostname&format=tar.gz',
  '/content': () => '?path=/etc/hostname&as=download',
  '/list': () => '?path=/',
  '/search': () => '?path=/etc&text=host&in=name',
  '/size': () => '?path=/etc',
  '/stat': () => '?path=/etc/hostname',
  '/live': ({ connection }) =>
    `?${['connections', 'operations', `fleet ${connection}`].map((topic) => `topic=${encodeURIComponent(topic)}`).join('&')}`,
};

function fill(route: string, target: Target): string {
  const values: Record<string, string> = {
    connection: target.connection,
    name: target.connection,
    sandbox: target.sandboxId,
    archive: `${target.connection}.${target.sandboxId}`,
    id: route.includes('operations/') ? target.operationId : target.sandboxId,
  };
  const path = route.replace(/\[+(?:\.\.\.)?(\w+)\]+/g, (_, name: string) => values[name] ?? 'files');
  const query = Object.entries(QUERIES).find(([end]) => route.endsWith(end))?.[1](target) ?? '';
  return `${path}${query}`;
}

/** The address of a page that includes the action. */
function pageFor(name: string, target: Target = { ...NOTHING, connection: LOCAL }): string {
  const [page = ''] = actionNamed(name).pages;
  return (
    fill(
      page
        .replace(/^app/, '')
        .replace(/\/page$/, '')
        .replace(/\/\([^)]*\)/g, ''),
      target,
    ) || '/'
  );
}

/** Addresses with a query that asks for what is hidden. */
const searches = ({ connection, sandboxId, operationId }: Target): string[] => [
  `/sandboxes?q=connection%3A${connection}`,
  `/operations?sandbox=${connection}%2F${sandboxId}`,
  `/operations?by=${encodeURIComponent(OUTSIDER)}`,
  `/operations/access?sandbox=${sandboxId}`,
  `/api/access?sandbox=${sandboxId}`,
  `/api/operations/${operationId}/items?format=csv`,
];

/** What an action is called with, so that it concerns what is hidden. An action that is not here gets all of them. */
function argumentsOf(action: string, target: Target): unknown[][] {
  const { connection, sandboxId, operationId, consoleId, viewId, planToken, processMark } = target;
  const sandboxKey = keyOf(connection, sandboxId);
  const sandboxKeys = [sandboxKey];
  const command = { command: 'id', limitMs: 1_000 };
  const start = { token: planToken, reason: '', filter: '' };
  const pause = { act: 'pause', sandboxKeys, filter: '' };
  const size = { cols: 80, rows: 24 };
  const named: Record<string, unknown[]> = {
    planKill: [{ sandboxKeys }, { sandboxKeys, retryOf: operationId }],
    startPlan: [{ ...start, typed: sandboxId }],
    operate: [pause, { ...pause, retryOf: operationId }],
    runCommand: [{ sandboxKey, ...command }],
    planRun: [{ sandboxKeys, ...command }],
    startRun: [start],
    planTimeLeft: [{ sandboxKeys, addMs: 60_000 }],
    startTimeLeft: [start],
    cancelOperation: [{ operationId }],
    checkAgain: [{ operationId }],
    tryHeldNow: [{ connection }],
    createOne: [{ connection, template: 'base', metadata: [], timeoutMs: 60_000, autoPause: false }],
    createDemo: [connection],
    checkOneConnection: [connection],
    switchConnection: [{ name: connection, isDisabled: true }],
    removeOneConnection: [{ name: connection, typed: connection }],
    renameOneView: [{ id: viewId, name: 'Renamed' }],
    deleteOneView: [{ id: viewId }],
    chooseStartView: [{ id: viewId }],
    openConsole: [{ sandboxKey, user: null, cwd: null, size }],
    closeConsole: [{ id: consoleId, evenIfBusy: true }],
    renameConsole: [{ id: consoleId, name: 'Renamed' }],
    startWake: [{ sandboxKey, minutes: 5 }],
    extendWake: [{ sandboxKey }],
    endWake: [{ sandboxKey }],
    makeFolder: [{ sandboxKey, folder: '/tmp', name: 'made' }],
    renameEntry: [{ sandboxKey, path: '/etc/hostname', name: 'renamed' }],
    deleteEntries: [{ sandboxKey, paths: ['/etc/hostname'] }],
    sendSignal: [{ sandboxKey, pid: 1, mark: processMark, signal: 'TERM' }],
    sendSignalInside: [{ sandboxKey, pid: 1, startTicks: 0, signal: 'TERM' }],
  };
  const own = Object.hasOwn(named, action) ? named[action] : undefined;
  return (own ?? [undefined, ...Object.values(named).flat()]).map((argument) => [argument]);
}

/** Actions that do nothing with a connection and would end the session of the test. */
const NOT_CALLED = ['signIn', 'signOut'];

/** The keys of each channel, with and without what is hidden. */
const KEYS = {
  connections: () => [undefined],
  operations: () => [undefined],
  fleet: ({ connection }) => [connection],
  folder: ({ key }) => [`${key} /`, key],
  wake: ({ key }) => [key],
  archive: ({ consoleId }) => [consoleId, 'a'.repeat(32)],
  consoles: ({ key }) => [key],
  console: ({ consoleId }) => [consoleId],
  run: ({ operationId, key }) => [`${operationId} ${key}`],
  held: ({ operationId, key }) => [`${operationId} ${key}`],
  process: ({ key, processMark }) => [`${key} 1 ${processMark}`],
} satisfies Record<Channel, (target: Target & { key: SandboxKey }) => (string | undefined)[]>;

function topicsOf(target: Target): Topic[] {
  const named = { ...target, key: keyOf(target.connection, target.sandboxId) };
  return CHANNELS.flatMap((channel) =>
    KEYS[channel](named).map((key) => (key === undefined ? { channel } : { channel, key })),
  );
}

const RSC = { rsc: '1' };
const PARALLEL = 8;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

describe('a person of one connection', () => {
  test('finds nothing of another in any page, route, action or channel', { timeout: 300_000 }, async () => {
    const scene = await setScene();
    const { sandkeeper, sessions, mine, theirs, needles, other } = scene;
    const leaks: string[] = [];
    const search = (what: string, request: string, answer: string) => {
      const found = foundIn(answer, request, what.startsWith('admin') ? needles : [...needles, OWN_SECRET]);
      if (found.length > 0) leaks.push(`${what}: ${found.join(', ')}`);
    };
    const people: { name: 'viewer' | 'admin' | 'nobody'; role: Role | null }[] = [
      { name: 'viewer', role: 'viewer' },
      { name: 'admin', role: 'admin' },
      { name: 'nobody', role: null },
    ];
    for (const { name } of people) {
      const headers = cookieOf(sandkeeper, sessions[name]);
      const topics = [...topicsOf(mine), ...topicsOf(theirs)];
      const polled = topics.map((topic) => `topic=${encodeURIComponent(printPolledTopic(topic))}`).join('&');
      const paths = [theirs, ...(name === 'nobody' ? [] : [mine])].flatMap((target) => [
        ...allRoutes().map((route) => fill(route, target)),
        ...searches(target),
      ]);
      await inParallel([...paths, `/api/live?${polled}`], async (path) => {
        const answer = await ask(sandkeeper, path, { headers });
        search(`${name} GET ${path}`, path, textOf(answer));
        const isInside = new URL(path, sandkeeper.url).pathname.split('/').includes(HIDDEN);
        if (isInside)
          expect(name === 'nobody' ? [307, 403, 404] : [403, 404], `${name} GET ${path}`).toContain(
            answer.status,
          );
        if (path.startsWith('/api/') || name !== 'viewer') return;
        const payload = await ask(sandkeeper, path, { headers: { ...headers, ...RSC } });
        search(`${name} RSC ${path}`, path, textOf(payload));
      });
      const upload = `/api/c/${HIDDEN}/sandboxes/${theirs.sandboxId}/files/content?path=/tmp/x`;
      const put = { method: 'PUT', body: 'x', headers: { ...headers, origin: sandkeeper.url } };
      search(`${name} PUT ${upload}`, upload, textOf(await ask(sandkeeper, upload, put)));
      // Lower roles are refused before the arguments are read.
      const actions = name === 'admin' ? serverActions() : [];
      const calls = actions
        .filter((each) => !NOT_CALLED.includes(each.name))
        .flatMap((action) => argumentsOf(action.name, theirs).map((args) => ({ action, args })));
      await inParallel(calls, async ({ action, args }) => {
        const answer = await callAction(sandkeeper, action, { path: '/sign-in', args, headers });
        const request = JSON.stringify(args);
        search(`${name} ${action.name}(${request})`, request, textOf(answer));
      });
      const live = await openLive(sandkeeper, { origin: sandkeeper.url, ...headers });
      if (live.status === 101) {
        for (const topic of topics) {
          live.send({ type: 'subscribe', ...topic, payload: { client: 'tab', offset: 0, size: null } });
        }
      }
      // Something happens on both sides while the socket listens.
      const created = await other.create({ metadata: { [`${MARK}-late`]: MARK } });
      const before = await scene.local.create({ metadata: { note: `seen-by-${name}` } });
      needles.push(created);
      if (live.status === 101) {
        if (name !== 'nobody')
          await expect.poll(() => live.frames.join(), { timeout: 30_000 }).toContain(before);
        const echoes = topics.map((topic) => JSON.stringify(topic)).join(' ');
        const frames = [...live.frames, ...live.binaryFrames.map((frame) => frame.toString('latin1'))];
        for (const frame of frames) search(`${name} hears ${frame.slice(0, 200)}`, echoes, frame);
        live.close();
      }
    }
    expect(leaks).toEqual([]);
    const nobody = { headers: cookieOf(sandkeeper, sessions.nobody) };
    expect((await ask(sandkeeper, '/sandboxes', nobody)).headers.location).toBe(paths.noAccess());
    expect((await ask(sandkeeper, paths.noAccess(), nobody)).text).toContain('You have no access yet');
    // Nothing was changed over there, and the search would find it.
    expect(await other.stateOf(theirs.sandboxId)).toBe('running');
    const page = await ask(sandkeeper, '/sandboxes', { headers: cookieOf(sandkeeper, sessions[SPANNING]) });
    expect(foundIn(textOf(page), '', needles).length).toBeGreaterThan(2);
  });
});
