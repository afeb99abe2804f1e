import { searchWords } from '../fleet/find';
import { COMMAND_GROUPS, type Command, type CommandGroup } from './offers';

export type FoundGroup = { group: CommandGroup; commands: Command[] };

/**
 * The commands in which every word of `query` occurs, by their groups. What cannot be done now keeps its place: it may
 * be possible again before Enter is pressed, and nothing else must have come to stand there.
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

/** Whether it can be done now. */
export function canRun({ disabledReason }: Command): boolean {
  return (disabledReason ?? null) === null;
}
