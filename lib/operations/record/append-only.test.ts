import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

/** What stands in the record of operations stays there: two files write it, and only what is not known before the end. */

const ROOT = resolve(import.meta.dirname, '../../..');
/** Takes operations into the record, settles them, and forgets old ones. */
const STORE = 'lib/operations/record/store.ts';
/** Writes what becomes of single items. */
const CLAIMS = 'lib/operations/record/claims.ts';
const WRITES =
  /\b(insertInto|updateTable|deleteFrom|replaceInto|mergeInto|dropTable)\(\s*['"](operations|operation_items)['"]/;
/** Statements as text, which the pattern above would not see. */
const RAW =
  /\b(insert\s+into|update|delete\s+from|truncate(\s+table)?|drop\s+table)\s+["'`]?operation(s|_items)\b/i;

/** What may still change once an operation is recorded. Who, what, why, by which filter and whom: never. */
const CHANGEABLE = {
  operations: ['state', 'finished_at_ms', 'cancelled_at_ms', 'cancelled_by'],
  operation_items: [
    'outcome',
    'message',
    'took_ms',
    'updated_at_ms',
    'claimed_by',
    'claimed_until_ms',
    'saved',
  ],
} as const;

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return filesIn(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const store = readFileSync(join(ROOT, STORE), 'utf8');
const claims = readFileSync(join(ROOT, CLAIMS), 'utf8');

it('two files alone write it, and one of them only of items that are there', () => {
  const writers = ['app', 'components', 'lib']
    .flatMap((dir) => filesIn(join(ROOT, dir)))
    .filter((file) => {
      const text = readFileSync(file, 'utf8');
      return WRITES.test(text) || RAW.test(text);
    });
  expect(writers.map((file) => relative(ROOT, file)).sort()).toEqual([CLAIMS, STORE]);
  expect(claims).not.toMatch(/\b(insertInto|deleteFrom|replaceInto|mergeInto|dropTable)\(/);
  expect(claims).not.toMatch(RAW);
});

it('what was intended is never changed, only what became of it', () => {
  const updates = [
    ...`${store}${claims}`.matchAll(/updateTable\('(operations|operation_items)'\)\s*\.set\(\{([^}]*)\}\)/g),
  ];
  expect(updates.length).toBe(`${store}${claims}`.match(/updateTable\(/g)?.length);
  for (const [, table, changes = ''] of updates) {
    const columns = changes.split(',').map((change) => change.split(':')[0]?.trim() ?? '');
    const allowed: readonly string[] = CHANGEABLE[table as keyof typeof CHANGEABLE];
    expect(columns.filter((column) => column !== '' && !allowed.includes(column))).toEqual([]);
  }
});

it('leases write nothing but the claim', () => {
  const leases = readFileSync(join(ROOT, 'lib/lease/leases.ts'), 'utf8');
  const updates = [...leases.matchAll(/\bupdate \$\{[^}]*\}\s+set ([\s\S]*?)\s+where/g)];
  expect(updates).toHaveLength(leases.match(/\bupdate \$/g)?.length ?? 0);
  const columns = updates.flatMap(([, changes = '']) =>
    [...changes.matchAll(/(\w+) =/g)].map(([, name]) => name),
  );
  expect(new Set(columns)).toEqual(new Set(['claimed_by', 'claimed_until_ms']));
  expect(leases).not.toMatch(/\b(insert into|delete from)\b/);
});

it('nothing is forgotten but what the retention that is configured asks for', () => {
  const [, forgetting = ''] = store.split('export async function forgetOperationsBefore');
  const count = (text: string) => text.match(/deleteFrom\(/g)?.length ?? 0;
  expect(count(forgetting)).toBeGreaterThan(0);
  expect(count(store)).toBe(count(forgetting));
});

it('what a command came to is written by one file, once, and goes with its operation', () => {
  const runs = 'lib/commands/store.ts';
  const writes = /\b(insertInto|updateTable|replaceInto|mergeInto)\(\s*['"]operation_commands['"]/g;
  const writers = filesIn(join(ROOT, 'lib')).filter((file) => readFileSync(file, 'utf8').match(writes));
  expect(writers.map((file) => relative(ROOT, file))).toEqual([runs]);
  const text = readFileSync(join(ROOT, runs), 'utf8');
  expect(text).not.toContain('deleteFrom(');
  // An end is written where there is none yet.
  expect(text.match(/updateTable\(/g)).toHaveLength(1);
  expect(text).toMatch(
    /updateTable\('operation_commands'\)[\s\S]*?\.where\('ending', 'is', null\)\s*\.execute\(\)/,
  );
});
