import { searchWords } from '../fleet/find';
import { COMMAND_GROUPS, type Command, type CommandGroup } from './offers';

export type FoundGroup = { group: CommandGroup; commands: Command[] };

/**
 * The commands that contain every word of `query`, by group. Unavailable commands keep their place, so that no other
 * command moves under the highlight before Enter is pressed.
 */
export function searchCommands(commands: readonly Command[], query: string): FoundGroup[] {
  const words = searchWords(query);
  const found = commands.filter(({ title, words: more = '' }) => {
    const text = `${title} ${more}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return COMMAND_GROUPS.flatMap((group) => {
    const ofGroup = found.filter((command) => command.group === group);
    return ofGroup.length === 0 ? [] : [{ group, commands: ofGroup }];
  });
}

export function canRun({ disabledReason }: Command): boolean {
  return (disabledReason ?? null) === null;
}
