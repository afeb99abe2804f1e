import { sandboxCount } from '@/components/operations/outcome';
import type { Command } from '@/lib/palette/offers';
import type { SelectionAct } from './selection-acts';

/** What can be done to what is selected, for the command palette. */
export function selectionCommands(
  acts: readonly SelectionAct[],
  run: (act: SelectionAct) => void,
): Command[] {
  return acts.map((selected) => {
    const { act, label, count, reason } = selected;
    return {
      id: `selection:${act}`,
      group: 'selection',
      title: label.replace(String(count), sandboxCount(count)),
      words: act === 'run' ? 'selected selection sandboxes command shell' : 'selected selection sandboxes',
      disabledReason: reason,
      ...(act === 'kill' ? { tone: 'danger' } : {}),
      onRun: () => run(selected),
    };
  });
}
