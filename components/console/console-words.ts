import { formatBytes } from '@/components/ui/bytes';
import { formatTook } from '@/components/ui/duration';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleEnding, ConsoleInfo } from '@/lib/console/schema';

/** What a console is called where there is room for little. */
export function consoleName({ name, shell }: Pick<ConsoleInfo, 'name' | 'shell'>): string {
  return name ?? shell;
}

/** How it was to come back: "re-attached after 41 s, nothing lost". */
export function sayReturn({ afterMs, missingBytes }: NonNullable<LinkState['returned']>): string {
  const after = afterMs === null ? '' : ` after ${formatTook(afterMs)}`;
  const lost =
    missingBytes === 0
      ? 'nothing lost'
      : afterMs === null
        ? `the first ${formatBytes(missingBytes)} are no longer kept`
        : `${formatBytes(missingBytes)} of output are missing`;
  return `re-attached${after}, ${lost}`;
}

const APART = 'What was started with nohup or setsid goes on.';

/** How a console ended, in words. */
const ENDING_WORDS = {
  exited: 'The shell has exited',
  closed: 'It was closed. The shell ended with it.',
  idle: `It was ended because nothing happened in it for a long time. ${APART}`,
  too_long: `It was ended because it had been open for as long as one may be. ${APART}`,
  signed_out: 'It ended because whoever it belonged to is no longer signed in with that role.',
  server_stopped: `Sandkeeper was stopped, and its shells ended with it. ${APART}`,
  gone: 'The sandbox is terminated, and everything that ran in it has ended.',
  vanished: 'The shell is no longer there. Something in the sandbox has ended it.',
  unreachable:
    'The sandbox could not be reached for minutes, so it was given up. The shell may still run there.',
} satisfies Record<ConsoleEnding, string>;

/** How it ended, with the exit code, where there is one. */
export function sayEnding({ how, exitCode }: NonNullable<ConsoleInfo['ending']>): string {
  if (how !== 'exited' || exitCode === null) return ENDING_WORDS[how];
  if (exitCode === 0) return `${ENDING_WORDS.exited}.`;
  return exitCode < 0 ? 'The shell was ended by a signal.' : `${ENDING_WORDS.exited} with code ${exitCode}.`;
}

/** What became of what was typed in vain. */
export function sayLostInput({ bytes, why }: NonNullable<LinkState['lostInput']>): string {
  const what = bytes === 0 ? 'What was typed' : bytes === 1 ? '1 byte typed' : `${formatBytes(bytes)} typed`;
  switch (why) {
    case 'connection':
      return `${what} before the connection broke never arrived.`;
    case 'failed':
      return `${what} may not have arrived: the sandbox did not answer.`;
    case 'too_much':
      return `${what} did not arrive: the shell does not keep up with reading.`;
    default:
      return `${what} did not arrive.`;
  }
}
