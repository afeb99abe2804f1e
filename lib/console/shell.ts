import 'server-only';
import { SandkeeperError } from '../errors';
import type { GuestProcesses } from '../sandbox-api/guest-processes';
import { CANNOT_START, type GuestTerminals, type TerminalEvent } from '../sandbox-api/guest-terminals';
import type { ConsoleRequest } from './schema';

/** What people mean by a shell, in the order of preference: small images have no bash. */
const SHELLS = [
  { name: 'bash', cmd: '/bin/bash', args: ['-i', '-l'] },
  { name: 'sh', cmd: '/bin/sh', args: ['-i'] },
] as const;

/** Without a locale, a shell takes what people type in their own language for garbage. */
const ENVS = { TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8' } as const;

const START_WITHIN_MS = 20_000;
/** One that starts later than that is waited for this long, to end it. */
const LATE_MS = 60_000;
const KILL_MS = 5_000;

type Guest = GuestTerminals & Pick<GuestProcesses, 'signalProcess'>;

export type StartedShell = {
  name: string;
  pid: number;
  events: AsyncGenerator<TerminalEvent, void, undefined>;
};

/** Starts a shell and answers once it runs. `tag` is what it is known by in the sandbox. @throws SandkeeperError */
export async function startShell(
  guest: Guest,
  { user, cwd, size }: ConsoleRequest,
  tag: string,
  signal: AbortSignal,
): Promise<StartedShell> {
  let failure: unknown;
  for (const { name, cmd, args } of SHELLS) {
    try {
      const input = { cmd, args, user, cwd, envs: ENVS, size, tag };
      const leaving = new AbortController();
      const events = guest.openTerminal(input, AbortSignal.any([signal, leaving.signal]));
      const first = events.next();
      const pid = await firstPid(first, () => void endLate(guest, first, leaving));
      return { name, events, pid };
    } catch (thrown) {
      failure = thrown;
      if (!(thrown instanceof SandkeeperError) || thrown.problem !== CANNOT_START) break;
    }
  }
  throw failure;
}

type First = Promise<IteratorResult<TerminalEvent, void>>;

async function firstPid(first: First, onLate: () => void): Promise<number> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      onLate();
      reject(new SandkeeperError('timeout', 'The sandbox did not start a shell in time. Try again.'));
    }, START_WITHIN_MS);
  });
  try {
    const { value } = await Promise.race([first, late]);
    if (value?.kind === 'start') return value.pid;
    throw new SandkeeperError('unavailable', 'The sandbox did not say that it had started a shell.');
  } finally {
    clearTimeout(timer);
  }
}

/** A shell that starts when nobody waits for it any more would run on unseen. */
async function endLate(guest: Guest, first: First, leaving: AbortController): Promise<void> {
  const timer = setTimeout(() => leaving.abort(), LATE_MS).unref();
  try {
    const { value } = await first;
    if (value?.kind === 'start')
      await guest.signalProcess(value.pid, 'SIGKILL', AbortSignal.timeout(KILL_MS));
  } catch {
    // It never started, or its sandbox is away.
  } finally {
    clearTimeout(timer);
    leaving.abort();
  }
}
