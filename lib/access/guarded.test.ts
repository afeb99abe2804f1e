import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROLES } from './roles';

/** Every page, route and action names the role it needs, before it does anything else. */

const ROOT = resolve(import.meta.dirname, '../..');

/** What anybody may reach, and why. */
const PUBLIC: Readonly<Record<string, string>> = {
  'app/layout.tsx default': 'it is the frame of the sign-in page, too',
  'app/dev/gallery/page.tsx default': 'exists in development only and shows no data',
  'app/sign-in/page.tsx default': 'it is where one gets a role',
  'app/(console)/sandboxes/[id]/page.tsx generateMetadata': 'it repeats what the address says',
  'app/(console)/sandboxes/[id]/files/page.tsx generateMetadata': 'it repeats what the address says',
  'app/(console)/sandboxes/[id]/console/page.tsx generateMetadata': 'it repeats what the address says',
  'app/api/health/route.ts GET': 'it says that the server answers and nothing else',
  'lib/access/actions.ts signIn': 'it is how one gets a role',
  'lib/access/actions.ts signOut': 'it ends what the caller has, if anything',
};

type Kind = 'page' | 'route' | 'action';
type Entrance = { name: string; kind: Kind; method: string; doc: string; body: string };

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

/** A top-level function with the comment before it; the formatter puts its closing brace alone at the margin. */
const FUNCTION =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export (default )?(?:async )?function (\w+)[\s\S]*?\n\}\n/g;
/** What may be exported besides: types, and the settings that Next.js reads. */
const HARMLESS =
  /^export (type |interface |const (metadata|viewport|dynamic|revalidate|runtime|maxDuration|preferredRegion)\b)/;

function entrancesOf(path: string, kind: Kind): Entrance[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const entrances = [...text.matchAll(FUNCTION)].map(([body, doc = '', isDefault, name = '']) => ({
    name: `${path} ${isDefault ? 'default' : name}`,
    kind,
    method: name,
    doc,
    body: body.slice(body.indexOf('export ')),
  }));
  const others = text.split('\n').filter((line) => /^export\b/.test(line) && !HARMLESS.test(line));
  const unread = others.length - entrances.length;
  if (unread !== 0)
    throw new Error(`${path} exports in a form that this test cannot read: ${others.join(' ')}`);
  return entrances;
}

const files = ['app', 'lib'].flatMap((dir) => filesIn(join(ROOT, dir))).map((file) => relative(ROOT, file));
const entrances = files.flatMap((path) => {
  const kind = kindOf(path);
  return kind === null ? [] : entrancesOf(path, kind);
});
const guarded = entrances.filter(({ name }) => !(name in PUBLIC));

/** The first thing that is waited for, and the role that it asks for. */
function firstGuard(body: string): { guard: string; role: string } | null {
  const [, guard = '', role = ''] = /\bawait\s+(\w+)\('(\w+)'\)/.exec(body) ?? [];
  const isFirst = body.search(/\bawait\s/) === body.search(/\bawait\s+guard(Page|Read|Write)\('/);
  return isFirst && ROLES.some((known) => known === role) ? { guard, role } : null;
}

function guardsFor({ kind, method }: Entrance): string[] {
  if (kind === 'page') return ['guardPage'];
  if (kind === 'action') return ['guardWrite'];
  return method === 'GET' || method === 'HEAD' ? ['guardRead', 'guardWrite'] : ['guardWrite'];
}

it('every page, route and action is found', () => {
  const kinds = (kind: Kind) => entrances.filter((entrance) => entrance.kind === kind).length;
  expect(Math.min(kinds('page'), kinds('route'), kinds('action'))).toBeGreaterThan(3);
  expect(entrances.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'app/page.tsx default',
      'app/api/fleet/route.ts GET',
      'lib/operations/actions.ts startPlan',
    ]),
  );
});

it('the public ones exist', () => {
  const names = entrances.map(({ name }) => name);
  expect(Object.keys(PUBLIC).filter((name) => !names.includes(name))).toEqual([]);
});

describe.each(guarded.map((entrance) => [entrance.name, entrance] as const))('%s', (_, entrance) => {
  it('asks for a role first', () => {
    const found = firstGuard(entrance.body);
    expect(found).not.toBeNull();
    expect(guardsFor(entrance)).toContain(found?.guard);
  });

  it('says the role that it asks for', () => {
    const [, said] = /Role: (\w+)\./.exec(entrance.doc) ?? [];
    if (entrance.kind === 'page') expect([undefined, firstGuard(entrance.body)?.role]).toContain(said);
    else expect(said).toBe(firstGuard(entrance.body)?.role);
  });
});

it('an action guards by itself what it is given', () => {
  const actions = guarded.filter(({ kind }) => kind === 'action');
  const careless = actions.filter(
    ({ body }) => /\(\w/.test(body.split('\n')[0] ?? '') && !body.includes('parseInput('),
  );
  expect(careless.map(({ name }) => name)).toEqual([]);
});
