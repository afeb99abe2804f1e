import 'server-only';
import { createHash } from 'node:crypto';
import { noteAccess } from '../access/audit';
import type { Session } from '../access/sessions';
import { SandkeeperError } from '../errors';
import { apiOf } from '../sandbox-api/configured';
import type { EnvdProcess } from '../sandbox-api/envd-process-messages';
import type { SandboxKey } from '../sandbox-key';
import { isOwnReading } from './inside-scripts';
import type { ProcessInfo, ProcessList, ProcessRequest, ProcessSignal } from './schema';

const MAX_PROCESSES = 500;
const MAX_COMMAND_CHARS = 4_000;
const MAX_LABEL_CHARS = 500;

/**
 * The first 500 processes that were started through the API in a running sandbox, without those that read this list.
 * @throws SandkeeperError `not_found`; `conflict` if the sandbox is not running
 */
export async function listProcesses(sandboxKey: SandboxKey, signal: AbortSignal): Promise<ProcessList> {
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  const all = (await envd.listProcesses(signal)).filter((process) => !isOwnReading(process));
  const processes = all.slice(0, MAX_PROCESSES).map(infoOf);
  return { processes, isCut: all.length > MAX_PROCESSES, atMs: Date.now() };
}

/** @throws SandkeeperError `conflict` if the process has ended, or if another process has its pid now */
export async function requireProcess(request: ProcessRequest, signal: AbortSignal): Promise<ProcessInfo> {
  const envd = await apiOf(request.sandboxKey).openEnvd(request.sandboxKey);
  const found = (await envd.listProcesses(signal)).find(({ pid }) => pid === request.pid);
  if (found === undefined) throw new SandkeeperError('conflict', `Process ${request.pid} has already ended.`);
  const info = infoOf(found);
  if (info.mark !== request.mark)
    throw new SandkeeperError(
      'conflict',
      `Process ${request.pid} is a different process now. Choose it in the list again.`,
    );
  return info;
}

/**
 * Checks that the process is still the requested one, records the signal in the audit log, and sends it.
 * @throws SandkeeperError like `requireProcess`
 */
export async function signalProcess(
  session: Session,
  { signal: name, ...request }: ProcessRequest & { signal: ProcessSignal },
  signal: AbortSignal,
): Promise<void> {
  const { command } = await requireProcess(request, signal);
  await noteAccess(session, {
    kind: 'process-signalled',
    sandboxKey: request.sandboxKey,
    detail: `SIG${name} to ${request.pid}: ${command}`,
  });
  const envd = await apiOf(request.sandboxKey).openEnvd(request.sandboxKey);
  if (await envd.signalProcess(request.pid, `SIG${name}`, signal)) return;
  throw new SandkeeperError('conflict', `Process ${request.pid} ended before the signal was sent.`);
}

function infoOf({ pid, cmd, args, cwd, tag }: EnvdProcess): ProcessInfo {
  const mark = createHash('sha256')
    .update(JSON.stringify([cmd, args, cwd, tag]))
    .digest('base64url');
  return {
    pid,
    command: truncate([cmd, ...args].map(quote).join(' '), MAX_COMMAND_CHARS),
    cwd: cwd === null ? null : truncate(cwd, MAX_LABEL_CHARS),
    tag: tag === null ? null : truncate(tag, MAX_LABEL_CHARS),
    mark,
  };
}

/** Quotes an argument like a shell, which shows where it begins and ends. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function truncate(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}
