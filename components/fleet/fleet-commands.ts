import type { Command } from '@/lib/palette/offers';

type Fleet = {
  /** The reason that a sandbox cannot be created, or `null`. */
  cannotCreate: string | null;
  /** The number of rows that can be selected. */
  matchCount: number;
  isFiltered: boolean;
  onNew: () => void;
  onSelect: () => void;
  onClearFilter: () => void;
};

/** The actions of the fleet page, as commands of the palette. Columns and views add their own. */
export function fleetCommands({ cannotCreate, matchCount, isFiltered, ...fleet }: Fleet): Command[] {
  const commands: Command[] = [
    {
      id: 'fleet:new',
      group: 'page',
      title: 'New sandbox…',
      words: 'create start template',
      disabledReason: cannotCreate,
      onRun: fleet.onNew,
    },
  ];
  if (matchCount > 0)
    commands.push({
      id: 'fleet:select-matching',
      group: 'page',
      title: `Select all ${matchCount} matching`,
      words: 'selection sandboxes rows',
      onRun: fleet.onSelect,
    });
  if (isFiltered)
    commands.push({
      id: 'fleet:clear-filter',
      group: 'page',
      title: 'Clear filter',
      words: 'all reset remove',
      onRun: fleet.onClearFilter,
    });
  return commands;
}
