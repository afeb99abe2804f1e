import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROLES } from '../roles';

/** Checks that every page, route and action requires a role somewhere before anything else. */

const ROOT = resolve(import.meta.dirname, '../..');

/** The exceptions, each with its reason. */
const PUBLIC: Readonly<Record<string, string>> = {
  'app/layout.tsx default': 'it also renders the sign-in page',
  'app/dev/gallery/page.tsx default': 'it exists only in development and shows no data',
  'app/no-access/page.tsx default': 'it shows people without a role who they are',
  'app/sign-in/page.tsx default': 'it opens the session',
  'app/sign-in/with/[provider]/route.ts GET': 'it sends the browser to a provider',
  'app/sign-in/callback/route.ts GET': 'it opens the session that a provider answers for',
  'app/sign-in/back-channel/[provider]/route.ts POST': 'it takes logout tokens, which providers sign',
  'app/(console)/c/[connection]/sandboxes/[id]/page.tsx generateMetadata': 'it repeats the URL',
  'app/(console)/c/[connection]/sandboxes/[id]/files/page.tsx generateMetadata': 'it repeats the URL',
  'app/(console)/c/[connection]/sandboxes/[id]/console/page.tsx generateMetadata': 'it repeats the URL',
  'app/api/health/route.ts GET': 'it only says that the server is up',
  'lib/access/actions.ts signIn': 'it opens the session',
  'lib/access/actions.ts signOut': "it only ends the caller's session",
};

type Kind = 'page' | 'route' | 'action';
type EntryPoint = { name: string; kind: Kind; method: string; doc: string; body: string };

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

function kindOf(path: string): Kind | null {
  if (/^app\/(.*\/)?(page|layout)\.(tsx?|jsx?)$/.test(path)) return 'page';
  if (/^app\/(.*\/)?route\.(tsx?|jsx?)$/.test(path)) return 'route';
  return /^lib\/(.*\/)?actions\.ts$/.test(path) ? 'action' : null;
}

/** A top-level function with its comment. Its closing brace is alone at the margin, by the formatter. */
const FUNCTION =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export (default )?(?:async )?function (\w+)[\s\S]*?\n\}\n/g;
/** Exports that need no guard: types, and settings of Next.js. */
const HARMLESS =
  /^export (type |interface |const (metadata|viewport|dynamic|revalidate|runtime|maxDuration|preferredRegion)\b)/;

function entryPointsOf(path: string, kind: Kind): EntryPoint[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const entryPoints = [...text.matchAll(FUNCTION)].map(([body, doc = '', isDefault, name = '']) => ({
    name: `${path} ${isDefault ? 'default' : name}`,
    kind,
    method: name,
    doc,
    body: body.slice(body.indexOf('export ')),
  }));
  const others = text.split('\n').filter((line) => /^export\b/.test(line) && !HARMLESS.test(line));
  const unread = others.length - entryPoints.length;
  if (unread !== 0)
    throw new Error(`${path} exports in a form that this test cannot read: ${others.join(' ')}`);
  return entryPoints;
}

const files = ['app', 'lib'].flatMap((dir) => filesIn(join(ROOT, dir))).map((file) => relative(ROOT, file));
const entryPoints = files.flatMap((path) => {
  const kind = kindOf(path);
  return kind === null ? [] : entryPointsOf(path, kind);
});
const guarded = entryPoints.filter(({ name }) => !(name in PUBLIC));

/** The guard and role, if the first `await` is a guard that says where the role is required. */
function firstGuard(body: string): { guard: string; role: string } | null {
  const [, guard = '', role = ''] =
    /\bawait\s+(guard(?:Page|Read|Write|Action))\(\s*'(\w+)',\s*[^)\s]/.exec(body) ?? [];
  const isFirst = body.search(/\bawait\s/) === body.search(/\bawait\s+guard(Page|Read|Write|Action)\(/);
  return isFirst && ROLES.some((known) => known === role) ? { guard, role } : null;
}

function guardsFor({ kind, method }: EntryPoint): string[] {
  if (kind === 'page') return ['guardPage'];
  if (kind === 'action') return ['guardAction'];
  return method === 'GET' || method === 'HEAD' ? ['guardRead', 'guardWrite'] : ['guardWrite'];
}

it('finds every page, route and action', () => {
  const kinds = (kind: Kind) => entryPoints.filter((entryPoint) => entryPoint.kind === kind).length;
  expect(Math.min(kinds('page'), kinds('route'), kinds('action'))).toBeGreaterThan(3);
  expect(entryPoints.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'app/page.tsx default',
      'app/api/fleet/[connection]/route.ts GET',
      'lib/operations/actions.ts startPlan',
    ]),
  );
});

it('lists only existing exceptions', () => {
  const names = entryPoints.map(({ name }) => name);
  expect(Object.keys(PUBLIC).filter((name) => !names.includes(name))).toEqual([]);
});

describe.each(guarded.map((entryPoint) => [entryPoint.name, entryPoint] as const))('%s', (_, entryPoint) => {
  it('requires a role first', () => {
    const found = firstGuard(entryPoint.body);
    expect(found).not.toBeNull();
    expect(guardsFor(entryPoint)).toContain(found?.guard);
  });

  it('documents the role that it requires', () => {
    const [, documented] = /Role: (\w+)\./.exec(entryPoint.doc) ?? [];
    if (entryPoint.kind === 'page')
      expect([undefined, firstGuard(entryPoint.body)?.role]).toContain(documented);
    else expect(documented).toBe(firstGuard(entryPoint.body)?.role);
  });
});

it('parses the input of every action, also of those that take none', () => {
  const actions = entryPoints.filter(({ kind }) => kind === 'action');
  const unparsed = actions.filter(({ body }) => !/\b(parse(No)?Input|guardAction)\(/.test(body));
  expect(unparsed.map(({ name }) => name)).toEqual([]);
});

it('names the connection wherever the address or the input has one', () => {
  const anywhere = guarded.filter(({ body }) => /\bawait\s+guard\w+\([^;]*\b(ANYWHERE)\b/.test(body));
  const concerned = anywhere.filter(
    ({ name, body }) => name.includes('/[connection]/') || /\b(sandboxKeys?|connection)\b/.test(body),
  );
  expect(concerned.map(({ name }) => name)).toEqual([]);
});
