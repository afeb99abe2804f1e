import 'server-only';
import { createHash } from 'node:crypto';
import { noteAccess } from '../access/audit';
import type { Session } from '../access/sessions';
import { SandkeeperError } from '../errors';
import { openEnvd } from '../sandbox-api/envd';
import type { GuestProcess } from '../sandbox-api/guest-process-list';
import type { ProcessInfo, ProcessList, ProcessRequest, ProcessSignal } from './schema';

/** So many are shown; the sandbox may say that there are any number. */
const MAX_PROCESSES = 500;
const MAX_COMMAND_CHARS = 4_000;
const MAX_WORD_CHARS = 500;

/** What was started from outside in a running sandbox. @throws SandkeeperError `not_found`, or `conflict` where it does not run */
export async function listProcesses(sandboxId: string, signal: AbortSignal): Promise<ProcessList> {
  const envd = await openEnvd(sandboxId);
  const all = await envd.listProcesses(signal);
  const processes = all.slice(0, MAX_PROCESSES).map(infoOf);
  return { processes, isCut: all.length > MAX_PROCESSES, atMs: Date.now() };
}

/** @throws SandkeeperError `conflict` where there is no such process any more, or another one has its number by now */
export async function requireProcess(input: ProcessRequest, signal: AbortSignal): Promise<ProcessInfo> {
  const envd = await openEnvd(input.sandboxId);
  const found = (await envd.listProcesses(signal)).find(({ pid }) => pid === input.pid);
  if (found === undefined)
    throw new SandkeeperError('conflict', `Process ${input.pid} has ended already. Nothing was sent.`);
  const info = infoOf(found);
  if (info.mark !== input.mark)
    throw new SandkeeperError(
      'conflict',
      `Process ${input.pid} is another one by now: look again. Nothing was sent.`,
    );
  return info;
}

/**
 * Signals exactly the process that was shown, after a look that it still is the one, and writes that down.
 * @throws SandkeeperError as `requireProcess`
 */
export async function signalProcess(
  session: Session,
  { signal: name, ...input }: ProcessRequest & { signal: ProcessSignal },
  signal: AbortSignal,
): Promise<void> {
  const { command } = await requireProcess(input, signal);
  await noteAccess(session, {
    kind: 'process-signalled',
    sandboxId: input.sandboxId,
    detail: `SIG${name} to ${input.pid}: ${command}`,
  });
  const envd = await openEnvd(input.sandboxId);
  if (await envd.signalProcess(input.pid, `SIG${name}`, signal)) return;
  throw new SandkeeperError('conflict', `Process ${input.pid} ended before the signal came.`);
}

function infoOf({ pid, cmd, args, cwd, tag }: GuestProcess): ProcessInfo {
  const mark = createHash('sha256')
    .update(JSON.stringify([cmd, args, cwd, tag]))
    .digest('base64url');
  return {
    pid,
    command: cut([cmd, ...args].map(quoted).join(' '), MAX_COMMAND_CHARS),
    cwd: cwd === null ? null : cut(cwd, MAX_WORD_CHARS),
    tag: tag === null ? null : cut(tag, MAX_WORD_CHARS),
    mark,
  };
}

/** As a shell would want it, so that one sees where an argument begins and ends. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
