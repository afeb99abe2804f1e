import { ROW_KEYS } from '@/components/ui/row-keys';
import { parentIndex, type TreeRow } from '@/lib/files/browse/tree';

/** What a key means in the tree. `moveTo` is the index of a row. */
export type KeyAction =
  | { kind: 'move'; to: number }
  | { kind: 'fold' | 'unfold' | 'open' | 'mark' | 'menu' }
  | { kind: 'up' | 'markAll' | 'unmark' }
  | { kind: 'path'; text: string }
  | { kind: 'type'; letter: string };

type Pressed = {
  key: string;
  metaKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
};

/** What `pressed` means while the row at `at` is active (-1: none), as in a file manager; `null` where it means nothing here. */
export function keyActionOf(pressed: Pressed, rows: readonly TreeRow[], at: number): KeyAction | null {
  const { key, altKey } = pressed;
  const isCommand = pressed.metaKey || pressed.ctrlKey;
  if ((altKey || pressed.metaKey) && key === 'ArrowUp') return { kind: 'up' };
  if (isCommand && key.toLowerCase() === 'a') return { kind: 'markAll' };
  if (isCommand || altKey) return null;
  const step = ROW_KEYS[key]?.(at, rows.length);
  if (step !== undefined) return moveTo(step, rows);
  if (key === 'Backspace') return { kind: 'up' };
  if (key === 'Escape') return { kind: 'unmark' };
  // No name begins with the first, and few with the second: as in file managers, a path is meant.
  if (key === '/' || key === '~') return { kind: 'path', text: key };
  const row = rows[at];
  if (row?.kind === 'entry') {
    if (key === 'ArrowRight') return rightOf(rows, at, row.isOpen);
    if (key === 'ArrowLeft') return row.isOpen ? { kind: 'fold' } : leftOf(rows, at);
    if (key === 'Enter') return { kind: 'open' };
    if (key === ' ') return { kind: 'mark' };
    if (key === 'ContextMenu' || (key === 'F10' && pressed.shiftKey)) return { kind: 'menu' };
  } else if (row && key === 'ArrowLeft') return leftOf(rows, at);
  return isLetter(key) ? { kind: 'type', letter: key } : null;
}

function moveTo(to: number, rows: readonly TreeRow[]): KeyAction | null {
  return rows.length === 0 ? null : { kind: 'move', to: Math.min(Math.max(to, 0), rows.length - 1) };
}

/** A folded folder unfolds; from an unfolded one the way leads into it. */
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
