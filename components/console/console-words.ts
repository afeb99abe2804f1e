import { formatBytes } from '@/components/ui/bytes';
import { formatTook } from '@/components/ui/duration';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleEnding, ConsoleInfo } from '@/lib/console/schema';

export function consoleName({ name, shell }: Pick<ConsoleInfo, 'name' | 'shell'>): string {
  return name ?? shell;
}

/** For example "Reconnected after 41 s, no output lost". */
export function returnText({ afterMs, missingBytes }: NonNullable<LinkState['returned']>): string {
  const after = afterMs === null ? '' : ` after ${formatTook(afterMs)}`;
  const lost =
    missingBytes === 0
      ? 'no output lost'
      : afterMs === null
        ? `the first ${formatBytes(missingBytes)} of output were discarded`
        : `${formatBytes(missingBytes)} of output lost`;
  return `Reconnected${after}, ${lost}`;
}

/** While no WebSocket can be opened. */
export const NO_CONSOLE =
  'A console needs a WebSocket, which your network does not let through. Ask your network’s admin to allow the upgrade on /live.';

export const SURVIVORS = 'Programs started with nohup or setsid keep running.';

const ENDING_TEXT = {
  exited: 'The shell exited',
  closed: 'The console was closed, and its shell ended.',
  idle: `The console was closed because it was idle for too long. ${SURVIVORS}`,
  too_long: `The console was closed because it reached the maximum duration. ${SURVIVORS}`,
  signed_out: 'The console was closed because its owner signed out or lost the operator role.',
  server_stopped: `The console was closed because Sandkeeper was stopped. ${SURVIVORS}`,
  gone: 'The sandbox was terminated, and all its processes ended.',
  vanished: 'The shell was ended by a process in the sandbox.',
  unreachable:
    'The sandbox could not be reached for several minutes. The shell may still be running. Open a new shell to continue.',
} satisfies Record<ConsoleEnding, string>;

/** How a console ended, with its exit code if it has one. */
export function endingText({ how, exitCode }: NonNullable<ConsoleInfo['ending']>): string {
  if (how !== 'exited' || exitCode === null) return ENDING_TEXT[how];
  if (exitCode === 0) return `${ENDING_TEXT.exited}.`;
  return exitCode < 0 ? 'The shell was ended by a signal.' : `${ENDING_TEXT.exited} with code ${exitCode}.`;
}

/** What happened to input that was lost. */
export function lostInputText({ bytes, reason }: NonNullable<LinkState['lostInput']>): string {
  const input = bytes === 0 ? 'Your input' : `${bytes === 1 ? '1 byte' : formatBytes(bytes)} of input`;
  switch (reason) {
    case 'connection':
      return `${input} was lost with the connection. Type it again.`;
    case 'failed':
      return `${input} may be lost: the sandbox did not respond. Check the screen before you type it again.`;
    case 'too_much':
      return `${input} was lost: the shell is not reading input fast enough.`;
    default:
      return `${input} was lost.`;
  }
}
