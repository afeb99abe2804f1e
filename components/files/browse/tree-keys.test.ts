import { expect, it } from 'vitest';
import { BY_NAME } from '@/lib/files/browse/order';
import { type Folder, treeRows } from '@/lib/files/browse/tree';
import { entryAt, folderAt } from '@/lib/files/test-entries';
import { keyActionOf } from './tree-keys';

const read = (...entries: Folder['entries'] & object): Folder => ({ entries, isCut: false, failure: null });
const ROWS = treeRows({
  root: '/home',
  folders: new Map([
    ['/home', read(folderAt('/home/out'), folderAt('/home/src'), entryAt('/home/run.log'))],
    ['/home/out', read()],
  ]),
  open: new Set(['/home/out']),
  order: BY_NAME,
  showsHidden: true,
});
const [OUT, EMPTY, SRC, LOG] = [0, 1, 2, 3];

type Held = Partial<Record<'metaKey' | 'ctrlKey' | 'altKey' | 'shiftKey', boolean>>;

const press = (key: string, at: number, held: Held = {}, rows = ROWS) =>
  keyActionOf({ key, metaKey: false, ctrlKey: false, altKey: false, shiftKey: false, ...held }, rows, at);

it('moves within the rows', () => {
  expect(press('ArrowDown', -1)).toEqual({ kind: 'move', to: OUT });
  expect(press('ArrowDown', LOG)).toEqual({ kind: 'move', to: LOG });
  expect(press('ArrowUp', OUT)).toEqual({ kind: 'move', to: OUT });
  expect(press('PageDown', OUT)).toEqual({ kind: 'move', to: LOG });
  expect(press('End', OUT)).toEqual({ kind: 'move', to: LOG });
  expect(press('Home', LOG)).toEqual({ kind: 'move', to: OUT });
  expect(press('ArrowDown', -1, {}, [])).toBeNull();
});

it('folds, unfolds, and goes in and out', () => {
  expect(press('ArrowRight', SRC)).toEqual({ kind: 'unfold' });
  expect(press('ArrowRight', OUT)).toEqual({ kind: 'move', to: EMPTY });
  expect(press('ArrowRight', LOG)).toBeNull();
  expect(press('ArrowLeft', OUT)).toEqual({ kind: 'fold' });
  expect(press('ArrowLeft', EMPTY)).toEqual({ kind: 'move', to: OUT });
  expect(press('ArrowLeft', LOG)).toBeNull();
  expect(press('Backspace', LOG)).toEqual({ kind: 'up' });
  expect(press('ArrowUp', LOG, { altKey: true })).toEqual({ kind: 'up' });
});

it('performs actions on the row', () => {
  expect(press('Enter', LOG)).toEqual({ kind: 'open' });
  expect(press(' ', LOG)).toEqual({ kind: 'mark' });
  expect(press('F10', LOG, { shiftKey: true })).toEqual({ kind: 'menu' });
  expect(press('F10', LOG)).toBeNull();
  expect(press('F2', LOG)).toEqual({ kind: 'rename' });
  expect(press('Delete', OUT)).toEqual({ kind: 'delete' });
  expect(press('Delete', LOG, { ctrlKey: true })).toBeNull();
  expect(press('Delete', EMPTY)).toBeNull();
  expect(press('a', LOG, { ctrlKey: true })).toEqual({ kind: 'markAll' });
  expect(press('Escape', LOG)).toEqual({ kind: 'unmark' });
  expect(press('Enter', EMPTY)).toBeNull();
  expect(press('Enter', -1)).toBeNull();
});

it('jumps to typed names and paths', () => {
  expect(press('r', OUT)).toEqual({ kind: 'type', letter: 'r' });
  expect(press('.', OUT)).toEqual({ kind: 'type', letter: '.' });
  expect(press('/', OUT)).toEqual({ kind: 'path', text: '/' });
  expect(press('~', OUT)).toEqual({ kind: 'path', text: '~' });
  expect(press('Tab', OUT)).toBeNull();
  expect(press('F5', OUT)).toBeNull();
  expect(press('c', OUT, { ctrlKey: true })).toBeNull();
});
