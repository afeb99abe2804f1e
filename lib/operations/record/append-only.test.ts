import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

/** The record of operations is append-only: two files write it, and updates only add results. */

const ROOT = resolve(import.meta.dirname, '../../..');
/** Records, finishes and deletes operations. */
const STORE = 'lib/operations/record/store.ts';
/** Writes the outcomes of items. */
const CLAIMS = 'lib/operations/record/claims.ts';
const WRITES =
  /\b(insertInto|updateTable|deleteFrom|replaceInto|mergeInto|dropTable)\(\s*['"](operations|operation_items)['"]/;
/** Raw SQL, which the pattern above does not match. */
const RAW =
  /\b(insert\s+into|update|delete\s+from|truncate(\s+table)?|drop\s+table)\s+["'`]?operation(s|_items)\b/i;

/** Columns that may change after an operation is recorded. Person, action, reason, filter and sandboxes never do. */
const CHANGEABLE = {
  operations: ['state', 'finished_at_ms', 'cancelled_at_ms', 'cancelled_by', 'cancel_reason'],
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
    const isTest = /\.test\.tsx?$/.test(entry.name) || entry.name.startsWith('test-');
    return /\.tsx?$/.test(entry.name) && !isTest ? [path] : [];
  });
}

const store = readFileSync(join(ROOT, STORE), 'utf8');
const claims = readFileSync(join(ROOT, CLAIMS), 'utf8');

it('is written by two files, one of which only updates items', () => {
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

it('never changes the request, only its result', () => {
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

it('lets leases write only the claim', () => {
  const leases = readFileSync(join(ROOT, 'lib/lease/leases.ts'), 'utf8');
  const updates = [...leases.matchAll(/\bupdate \$\{[^}]*\}\s+set ([\s\S]*?)\s+where/g)];
  expect(updates).toHaveLength(leases.match(/\bupdate \$/g)?.length ?? 0);
  const columns = updates.flatMap(([, changes = '']) =>
    [...changes.matchAll(/(\w+) =/g)].map(([, name]) => name),
  );
  expect(new Set(columns)).toEqual(new Set(['claimed_by', 'claimed_until_ms']));
  expect(leases).not.toMatch(/\b(insert into|delete from)\b/);
});

it('deletes only what the configured retention requires', () => {
  const [, forgetting = ''] = store.split('export async function forgetOperationsBefore');
  const count = (text: string) => text.match(/deleteFrom\(/g)?.length ?? 0;
  expect(count(forgetting)).toBeGreaterThan(0);
  expect(count(store)).toBe(count(forgetting));
});

it('writes the result of a command in one file, once, and deletes it with its operation', () => {
  const runs = 'lib/commands/store.ts';
  const writes = /\b(insertInto|updateTable|replaceInto|mergeInto)\(\s*['"]operation_commands['"]/g;
  const writers = filesIn(join(ROOT, 'lib')).filter((file) => readFileSync(file, 'utf8').match(writes));
  expect(writers.map((file) => relative(ROOT, file))).toEqual([runs]);
  const text = readFileSync(join(ROOT, runs), 'utf8');
  expect(text).not.toContain('deleteFrom(');
  // An ending is only written if there is none.
  expect(text.match(/updateTable\(/g)).toHaveLength(1);
  expect(text).toMatch(
    /updateTable\('operation_commands'\)[\s\S]*?\.where\('ending', 'is', null\)\s*\.execute\(\)/,
  );
});
