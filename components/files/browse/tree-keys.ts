import { ROW_KEYS } from '@/components/ui/row-keys';
import { parentIndex, type TreeRow } from '@/lib/files/browse/tree';

/** An action on the active row. */
export type RowAction = 'fold' | 'unfold' | 'open' | 'mark' | 'menu' | 'rename' | 'delete';

/** The action of a key in the tree. `to` is a row index. */
export type KeyAction =
  | { kind: 'move'; to: number }
  | { kind: RowAction }
  | { kind: 'up' | 'markAll' | 'unmark' }
  | { kind: 'path'; text: string }
  | { kind: 'type'; letter: string };

type KeyPress = {
  key: string;
  metaKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
};

/** The action of a key while row `at` is active (-1: none), as in a file manager. `null`: not handled. */
export function keyActionOf(press: KeyPress, rows: readonly TreeRow[], at: number): KeyAction | null {
  const { key, altKey } = press;
  const isCommand = press.metaKey || press.ctrlKey;
  if ((altKey || press.metaKey) && key === 'ArrowUp') return { kind: 'up' };
  if (isCommand && key.toLowerCase() === 'a') return { kind: 'markAll' };
  if (isCommand || altKey) return null;
  const step = ROW_KEYS[key]?.(at, rows.length);
  if (step !== undefined) return moveTo(step, rows);
  if (key === 'Backspace') return { kind: 'up' };
  if (key === 'Escape') return { kind: 'unmark' };
  // Names cannot start with a slash and rarely with a tilde, so these start a path.
  if (key === '/' || key === '~') return { kind: 'path', text: key };
  const row = rows[at];
  if (row?.kind === 'entry') {
    if (key === 'ArrowRight') return rightOf(rows, at, row.isOpen);
    if (key === 'ArrowLeft') return row.isOpen ? { kind: 'fold' } : leftOf(rows, at);
    if (key === 'Enter') return { kind: 'open' };
    if (key === ' ') return { kind: 'mark' };
    if (key === 'F2') return { kind: 'rename' };
    if (key === 'Delete') return { kind: 'delete' };
    if (key === 'ContextMenu' || (key === 'F10' && press.shiftKey)) return { kind: 'menu' };
  } else if (row && key === 'ArrowLeft') return leftOf(rows, at);
  return isLetter(key) ? { kind: 'type', letter: key } : null;
}

function moveTo(to: number, rows: readonly TreeRow[]): KeyAction | null {
  return rows.length === 0 ? null : { kind: 'move', to: Math.min(Math.max(to, 0), rows.length - 1) };
}

/** Unfolds a folded folder, or moves into an unfolded one. */
function rightOf(rows: readonly TreeRow[], at: number, isOpen: boolean | null): KeyAction | null {
  if (isOpen === null) return null;
  return isOpen ? moveTo(at + 1, rows) : { kind: 'unfold' };
}

function leftOf(rows: readonly TreeRow[], at: number): KeyAction | null {
  const parent = parentIndex(rows, at);
  return parent < 0 ? null : { kind: 'move', to: parent };
}

function isLetter(key: string): boolean {
  return key !== ' ' && [...key].length === 1;
}
