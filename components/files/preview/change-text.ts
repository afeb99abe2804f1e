import type { TransactionSpec } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';

/**
 * Changes what an editor holds, however much that is. While it is out of sight, as in a window with no room for it, the
 * editor takes all that is put where it last drew for what is to be drawn next: of a piece of nearly empty lines that is
 * hundreds of thousands of elements. Started anew with the same state, it draws a screenful.
 */
export function changeText(view: EditorView, change: TransactionSpec): void {
  if (view.inView) view.dispatch(change);
  else view.setState(view.state.update(change).state);
}
