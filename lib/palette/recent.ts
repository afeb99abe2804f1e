import { type Command, unavailableReason } from './offers';

/** The commands used last, newest first, stored in this browser by id. Only in the browser. */

const KEY = 'sandkeeper.commands';
const MAX_STORED = 12;
const MAX_SHOWN = 4;
const MAX_ID_CHARS = 80;

/** Without storage, they last until the page is closed. */
let unstored: readonly string[] = [];

export function recentIds(): readonly string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (!Array.isArray(value)) return [];
    return value.filter((id) => typeof id === 'string' && id.length <= MAX_ID_CHARS).slice(0, MAX_STORED);
  } catch {
    // Storage may be blocked, or hold something that is no JSON.
    return unstored;
  }
}

export function rememberCommand(command: Command): void {
  if (!isRepeatable(command) || command.id.length > MAX_ID_CHARS) return;
  unstored = [command.id, ...recentIds().filter((id) => id !== command.id)].slice(0, MAX_STORED);
  try {
    localStorage.setItem(KEY, JSON.stringify(unstored));
  } catch {
    // Storage may be blocked or full.
  }
}

/** The available commands among `commands` that were used last, in the order of `ids`. */
export function recentCommands(commands: readonly Command[], ids: readonly string[]): Command[] {
  return ids
    .flatMap((id) => commands.find((command) => command.id === id) ?? [])
    .filter((command) => isRepeatable(command) && unavailableReason(command) === null)
    .slice(0, MAX_SHOWN);
}

/**
 * Whether a command may be the first of the list, where Enter runs it. Never one that changes sandboxes or ends the session.
 */
function isRepeatable({ group, tone, isRare }: Command): boolean {
  return group !== 'selection' && group !== 'sandbox' && group !== 'search' && tone !== 'danger' && !isRare;
}
