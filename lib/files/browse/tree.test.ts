import { describe, expect, it } from 'vitest';
import type { Entry } from '../../sandbox/file';
import { entryAt, folderAt } from '../test-entries';
import { BY_NAME } from './order';
import {
  type Folder,
  findByPrefix,
  holdRows,
  parentIndex,
  patchEntries,
  releaseRows,
  reuseEntries,
  type TreeRow,
  treeRows,
} from './tree';

const read = (...entries: Entry[]): Folder => ({ entries, isCut: false, failure: null });

function rowsOf(folders: Record<string, Folder>, open: string[] = [], showsHidden = true): TreeRow[] {
  return treeRows({
    root: '/home',
    folders: new Map(Object.entries(folders)),
    open: new Set(open),
    order: BY_NAME,
    showsHidden,
  });
}

const shown = (rows: TreeRow[]) =>
  rows.map((row) => '  '.repeat(row.depth) + (row.kind === 'entry' ? row.entry.name : `(${row.note.kind})`));

describe('rows', () => {
  const home = read(folderAt('/home/out'), entryAt('/home/.ssh'), entryAt('/home/run.log'));

  it('include the entries of unfolded folders', () => {
    const out = read(folderAt('/home/out/shards'), entryAt('/home/out/report.html'));
    expect(shown(rowsOf({ '/home': home, '/home/out': out }, ['/home/out', '/home/out/shards']))).toEqual([
      'out',
      '  shards',
      '    (reading)',
      '  report.html',
      '.ssh',
      'run.log',
    ]);
  });

  it('omit hidden entries, with a note if there is nothing else', () => {
    expect(shown(rowsOf({ '/home': home }, [], false))).toEqual(['out', 'run.log']);
    expect(rowsOf({ '/home': read(entryAt('/home/.a'), entryAt('/home/.b')) }, [], false)).toMatchObject([
      { note: { kind: 'hidden', count: 2 } },
    ]);
  });

  it('contain a note instead of missing entries', () => {
    const denied: Folder = { entries: null, isCut: false, failure: { problem: 'denied', message: 'No.' } };
    expect(shown(rowsOf({ '/home': denied }))).toEqual(['(failed)']);
    expect(shown(rowsOf({ '/home': read() }))).toEqual(['(empty)']);
    expect(shown(rowsOf({}))).toEqual(['(reading)']);
    expect(shown(rowsOf({ '/home': { ...home, isCut: true } })).at(-1)).toBe('(cut)');
  });

  it('keep the last entries after a failed reading', () => {
    const stale: Folder = { ...home, failure: { problem: 'unavailable', message: 'Later.' } };
    expect(shown(rowsOf({ '/home': stale }))).toEqual(['out', '.ssh', 'run.log']);
  });

  it('have unique keys for names of invalid UTF-8', () => {
    const bad = entryAt('/home/a\uFFFD', { isAddressable: false });
    const rows = rowsOf({ '/home': read(bad, { ...bad }, { ...bad }) });
    expect(new Set(rows.map(({ key }) => key)).size).toBe(3);
  });

  it('follow a circular link only as far as it is unfolded', () => {
    const loop = (path: string) =>
      folderAt(path, { kind: 'link', leadsTo: 'directory', linkTarget: '/home' });
    const rows = rowsOf({ '/home': read(loop('/home/loop')), '/home/loop': read(loop('/home/loop/loop')) }, [
      '/home/loop',
    ]);
    expect(shown(rows)).toEqual(['loop', '  loop']);
  });

  it('are found by parent and by typed prefix', () => {
    const rows = rowsOf({ '/home': home, '/home/out': read(entryAt('/home/out/run.py')) }, ['/home/out']);
    expect(shown(rows)).toEqual(['out', '  run.py', '.ssh', 'run.log']);
    expect(parentIndex(rows, 1)).toBe(0);
    expect(parentIndex(rows, 3)).toBe(-1);
    expect(findByPrefix(rows, -1, 'r')).toBe(1);
    expect(findByPrefix(rows, 1, 'r')).toBe(3);
    expect(findByPrefix(rows, 3, 'r')).toBe(1);
    expect(findByPrefix(rows, 1, 'run.l')).toBe(3);
    expect(findByPrefix(rows, 3, 'RUN')).toBe(3);
    expect(findByPrefix(rows, 0, 'x')).toBe(-1);
    expect(findByPrefix([], -1, 'x')).toBe(-1);
  });
});

it('held rows keep their positions and show updates', () => {
  const [a, b, c] = ['/home/a', '/home/b', '/home/c'].map((path) => entryAt(path));
  if (!a || !b || !c) throw new Error('Expected three entries.');
  const before = rowsOf({ '/home': read(b, c) });
  const larger = entryAt('/home/b', { sizeBytes: 99 });
  const held = holdRows(before, rowsOf({ '/home': read(a, larger) }));
  expect(shown([...held.rows])).toEqual(['b', 'c']);
  expect(held.rows[0]).toMatchObject({ entry: { sizeBytes: 99 } });
  expect([...held.gone]).toEqual(['/home/c']);
  expect(held.arrived).toBe(1);
  expect(releaseRows(before)).toEqual({ rows: before, gone: new Set(), arrived: 0 });
});

describe('updates', () => {
  const a = entryAt('/a');
  const b = entryAt('/b');

  it('change only the named entries', () => {
    const larger = entryAt('/b', { sizeBytes: 99 });
    const patched = patchEntries([a, b], [larger, entryAt('/c')], new Set());
    expect(patched[0]).toBe(a);
    expect(patched.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ['a', 10],
      ['b', 99],
      ['c', 10],
    ]);
    expect(patchEntries([a, b], [], new Set(['a']))).toEqual([b]);
  });

  it('without a difference return the same list', () => {
    const list = [a, b];
    expect(patchEntries(list, [entryAt('/a')], new Set(['x']))).toBe(list);
    expect(reuseEntries(list, [entryAt('/a'), entryAt('/b')])).toBe(list);
    const next = reuseEntries(list, [entryAt('/a'), entryAt('/b', { modifiedAtMs: 1 })]);
    expect(next).not.toBe(list);
    expect(next[0]).toBe(a);
  });
});
