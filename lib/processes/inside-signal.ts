import 'server-only';
import { noteAccess } from '../access/audit';
import type { Session } from '../access/sessions';
import { SandkeeperError } from '../errors';
import { parseProcStat } from '../sandbox/proc-stat';
import { apiOf } from '../sandbox-api/configured';
import type { Envd } from '../sandbox-api/envd';
import { NO_USER } from '../sandbox-api/envd-processes';
import { commandOf, outputOf } from './inside';
import { SIGNAL_EXITS, signalScript } from './inside-scripts';
import type { InsideRequest, ProcessSignal } from './schema';

/**
 * Signals a process in a running sandbox, however it was started. Checks that it is still the requested one, records the
 * signal in the audit log, and sends it as root, because a process of any user may misbehave.
 * @throws SandkeeperError `conflict` if it has ended, if another process has its pid, or if the sandbox depends on it
 */
export async function signalInside(
  session: Session,
  { sandboxKey, pid, startTicks, signal: name }: InsideRequest & { signal: ProcessSignal },
  signal: AbortSignal,
): Promise<void> {
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  const { text } = await runAsRoot(envd, { pid, startTicks, name: '' }, signal);
  const [stat = '', , ...args] = text.split('\0').reverse();
  const command = commandOf(args.reverse().join(' '), parseProcStat(stat).name);
  await noteAccess(session, {
    kind: 'process-signalled',
    sandboxKey,
    detail: `SIG${name} to ${pid}: ${command}`,
  });
  await runAsRoot(envd, { pid, startTicks, name }, signal);
}

type Target = { pid: number; startTicks: number; name: string };

async function runAsRoot(envd: Envd, { pid, startTicks, name }: Target, signal: AbortSignal) {
  const script = signalScript(pid, startTicks, name);
  const output = await outputOf(envd, { ...script, user: 'root' }, signal).catch((thrown) => {
    if (SandkeeperError.from(thrown).problem !== NO_USER) throw thrown;
    return outputOf(envd, script, signal);
  });
  const message = output.exitCode === null ? undefined : problemOf(output.exitCode, pid);
  if (message === null) return output;
  throw new SandkeeperError(
    message === undefined ? 'unavailable' : 'conflict',
    message ??
      'The sandbox did not answer. The signal may have been sent. Check the list before you try again.',
  );
}

/** `null` if the script did its work, `undefined` if its exit code is not one of its own. */
function problemOf(exitCode: number, pid: number): string | null | undefined {
  switch (exitCode) {
    case SIGNAL_EXITS.sent:
      return null;
    case SIGNAL_EXITS.gone:
      return `Process ${pid} has already ended.`;
    case SIGNAL_EXITS.other:
      return `Process ${pid} is a different process now. Choose it in the list again.`;
    case SIGNAL_EXITS.refused:
      return `The sandbox did not allow the signal to process ${pid}, or it has just ended.`;
    case SIGNAL_EXITS.essential:
      return `The sandbox cannot be reached without process ${pid}. Kill the sandbox instead.`;
    default:
      return undefined;
  }
}
