import { searchWords } from '../fleet/find';
import { COMMAND_GROUPS, type Command, type CommandGroup } from './offers';

export type FoundGroup = { group: CommandGroup; commands: Command[] };

/**
 * The commands that contain every word of `query`, by group. Those in `last` follow the others of their group, and groups
 * of nothing else follow the other groups, so that the first line can be run. The caller keeps `last` while the query
 * stays the same: no other command may move under the highlight before Enter is pressed.
 */
export function searchCommands(
  commands: readonly Command[],
  query: string,
  last: ReadonlySet<string> = new Set(),
): FoundGroup[] {
  const words = searchWords(query);
  const found = commands.filter(({ title, words: more = '' }) => {
    const text = `${title} ${more}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const isLast = ({ id }: Command) => last.has(id);
  return COMMAND_GROUPS.flatMap((group) => {
    const ofGroup = found.filter((command) => command.group === group);
    return ofGroup.length === 0 ? [] : [{ group, commands: endingWith(ofGroup, isLast) }];
  }).toSorted((one, other) => rankOf(one, isLast) - rankOf(other, isLast));
}

function endingWith(commands: readonly Command[], isLast: (command: Command) => boolean): Command[] {
  return commands.toSorted((one, other) => Number(isLast(one)) - Number(isLast(other)));
}

/** A search for the query as typed stays behind commands that match but are unavailable, which say why. */
function rankOf({ group, commands }: FoundGroup, isLast: (command: Command) => boolean): number {
  if (group === 'search') return 2;
  return commands.every(isLast) ? 1 : 0;
}
