import fc from 'fast-check';
import { expect, it } from 'vitest';
import { entryAt, folderAt } from '../test-entries';
import { BY_NAME, nextOrder, type Order, parseOrder, printOrder, sortEntries } from './order';

const names = (order: Order, entries = ENTRIES) => sortEntries(entries, order).map(({ name }) => name);

const ENTRIES = [
  entryAt('/shard-10', { sizeBytes: 5, modifiedAtMs: 3 }),
  entryAt('/shard-9', { sizeBytes: 50, modifiedAtMs: 1 }),
  folderAt('/zoo', { modifiedAtMs: 2 }),
  entryAt('/Bee', { sizeBytes: 0, modifiedAtMs: 9 }),
  entryAt('/Äpfel', { sizeBytes: 7, modifiedAtMs: 4 }),
  entryAt('/bee', { sizeBytes: 7, modifiedAtMs: 4 }),
  entryAt('/latest', { kind: 'link', leadsTo: 'directory', sizeBytes: 99, modifiedAtMs: 5 }),
];

it('sorts by name: folders first, case-insensitive, numbers by value', () => {
  expect(names(BY_NAME)).toEqual(['latest', 'zoo', 'Äpfel', 'Bee', 'bee', 'shard-9', 'shard-10']);
  expect(names({ key: 'name', direction: 'desc' })).toEqual([
    'zoo',
    'latest',
    'shard-10',
    'shard-9',
    'bee',
    'Bee',
    'Äpfel',
  ]);
});

it('sorts by size, with entries without a size last in both directions', () => {
  expect(names({ key: 'size', direction: 'desc' })).toEqual([
    'shard-9',
    'Äpfel',
    'bee',
    'shard-10',
    'Bee',
    'latest',
    'zoo',
  ]);
  expect(names({ key: 'size', direction: 'asc' }).slice(-2)).toEqual(['latest', 'zoo']);
});

it('sorts by time, with folders among files', () => {
  expect(names({ key: 'time', direction: 'desc' })).toEqual([
    'Bee',
    'latest',
    'Äpfel',
    'bee',
    'shard-10',
    'zoo',
    'shard-9',
  ]);
});

it('does not depend on the input order', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'B', '0', '1', '9', '.', 'é'),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 12 }), (all) => {
      const entries = all.map((each) => entryAt(`/${each}`));
      expect(names(BY_NAME, entries.toReversed())).toEqual(names(BY_NAME, entries));
    }),
  );
});

it('sorts long and padded numbers', () => {
  const all = ['f007', 'f7', 'f08', 'f12345678901234567890', 'f2', 'f99999999999'].map((name) =>
    entryAt(`/${name}`),
  );
  expect(names(BY_NAME, all)).toEqual(['f2', 'f007', 'f7', 'f08', 'f99999999999', 'f12345678901234567890']);
});

it('round-trips through the address', () => {
  for (const order of [
    BY_NAME,
    { key: 'size', direction: 'desc' },
    { key: 'time', direction: 'asc' },
  ] as const)
    expect(parseOrder(printOrder(order))).toEqual(order);
  expect(parseOrder('-owner')).toEqual(BY_NAME);
  expect(parseOrder(null)).toEqual(BY_NAME);
});

it('starts with the useful direction and then toggles', () => {
  const once = nextOrder(BY_NAME, 'size');
  expect(once).toEqual({ key: 'size', direction: 'desc' });
  expect(nextOrder(once, 'size')).toEqual({ key: 'size', direction: 'asc' });
});
