import 'server-only';
import { SandkeeperError } from '../errors';
import { joinSignals } from '../joined-signal';
import type { EnvdFiles } from '../sandbox-api/envd-files';
import type { ProcessEvent } from '../sandbox-api/envd-process-messages';
import { CANNOT_START, type EnvdProcesses, SH } from '../sandbox-api/envd-processes';
import { BASH, shellOf } from '../sandbox-api/envd-shell';
import type { EnvdTerminals } from '../sandbox-api/envd-terminals';
import type { ConsoleRequest } from './schema';

/** In order of preference. Small images have no bash. */
const SHELLS = [
  { name: 'bash', cmd: BASH, args: ['-i', '-l'] },
  { name: 'sh', cmd: SH, args: ['-i'] },
] as const;

/** Without a UTF-8 locale, shells garble non-ASCII input. */
const ENVS = { TERM: 'xterm-256color', COLORTERM: 'truecolor', LANG: 'C.UTF-8' } as const;

const START_WITHIN_MS = 20_000;
/** How long to wait for a shell that missed this deadline, in order to kill it, ms. */
const LATE_MS = 60_000;
const KILL_MS = 5_000;

type ShellEnvd = EnvdTerminals & Pick<EnvdProcesses, 'signalProcess'> & Pick<EnvdFiles, 'stat'>;
type ShellEvents = AsyncGenerator<ProcessEvent<'pty'>, void, undefined>;

export type StartedShell = {
  name: string;
  pid: number;
  events: ShellEvents;
};

/** Resolves when a shell has started. `tag` labels its process in the sandbox. @throws SandkeeperError */
export async function startShell(
  envd: ShellEnvd,
  { user, cwd, size }: ConsoleRequest,
  tag: string,
  signal: AbortSignal,
): Promise<StartedShell> {
  let failure: unknown;
  const preferred = await shellOf(envd, signal);
  for (const { name, cmd, args } of preferred === SH ? SHELLS.slice(1) : SHELLS) {
    try {
      const request = { cmd, args, user, cwd, envs: ENVS, size, tag };
      const leaving = new AbortController();
      const events = envd.openTerminal(request, joinSignals([signal, leaving.signal]).signal);
      const first = events.next();
      const pid = await waitForPid(first, () => void killLate(envd, first, leaving));
      return { name, events, pid };
    } catch (thrown) {
      failure = thrown;
      if (!(thrown instanceof SandkeeperError) || thrown.problem !== CANNOT_START) break;
    }
  }
  throw failure;
}

type FirstEvent = ReturnType<ShellEvents['next']>;

async function waitForPid(first: FirstEvent, onLate: () => void): Promise<number> {
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
    throw new SandkeeperError(
      'unavailable',
      'The sandbox did not confirm that the shell started. Try again.',
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Kills a shell that starts after the deadline. Otherwise it would keep running without a console. */
async function killLate(envd: ShellEnvd, first: FirstEvent, leaving: AbortController): Promise<void> {
  const timer = setTimeout(() => leaving.abort(), LATE_MS).unref();
  try {
    const { value } = await first;
    if (value?.kind === 'start') await envd.signalProcess(value.pid, 'SIGKILL', AbortSignal.timeout(KILL_MS));
  } catch {
    // The shell never started, or the sandbox cannot be reached.
  } finally {
    clearTimeout(timer);
    leaving.abort();
  }
}
