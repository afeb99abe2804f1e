import 'server-only';
import { SandkeeperError } from '../errors';
import { parseProcStat } from '../sandbox/proc-stat';
import { ByteCollector } from '../sandbox-api/byte-collector';
import { apiOf } from '../sandbox-api/configured';
import type { Envd } from '../sandbox-api/envd';
import { followCommand } from '../sandbox-api/envd-command';
import type { SandboxKey } from '../sandbox-key';
import { CUT_EXIT_CODE, LIST_SCRIPTS, type ShellScript } from './inside-scripts';
import type { InsideList, InsideProcess } from './schema';

const LIFETIME_MS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** The kernel reports times in ticks of 1/100 s on all common platforms. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

/** Every process in a running sandbox, read by a shell that is started in it. @throws SandkeeperError */
export async function listInside(
  sandboxKey: SandboxKey,
  signal: AbortSignal,
  scripts = LIST_SCRIPTS,
): Promise<InsideList> {
  const envd = await apiOf(sandboxKey).openEnvd(sandboxKey);
  let failure: unknown;
  for (const script of scripts) {
    try {
      return await listWith(envd, script, signal);
    } catch (thrown) {
      // The sandbox has no such shell.
      if (SandkeeperError.from(thrown).code !== 'invalid') throw thrown;
      failure = thrown;
    }
  }
  throw failure;
}

async function listWith(envd: Envd, { cmd, args }: ShellScript, signal: AbortSignal): Promise<InsideList> {
  const { text, exitCode } = await outputOf(envd, { cmd, args }, signal);
  const atMs = Date.now();
  const processes = readInside(text, atMs);
  if (processes === null)
    throw new SandkeeperError('unexpected', 'The processes in the sandbox could not be read. Try again.');
  return { processes, isCut: exitCode === null || exitCode < 0 || exitCode === CUT_EXIT_CODE, atMs };
}

/** Runs a script in the sandbox. `exitCode` is `null` if it was left because of its endless output. @throws SandkeeperError */
export async function outputOf(
  envd: Envd,
  { cmd, args, user }: ShellScript & { user?: string },
  signal: AbortSignal,
): Promise<{ text: string; exitCode: number | null }> {
  const command = { cmd, args, cwd: '/', ...(user === undefined ? {} : { user }) };
  const read = new ByteCollector();
  let exitCode: number | null = null;
  for await (const event of followCommand(envd, command, LIFETIME_MS, signal)) {
    if (event.kind === 'end') exitCode = event.exitCode;
    if (event.kind !== 'stdout') continue;
    if (read.size + event.bytes.length > MAX_BYTES) break;
    read.add(event.bytes);
  }
  return { text: read.bytes().toString('utf8'), exitCode };
}

/** Parses the script's output. `null` if it is not in this format. */
export function readInside(text: string, atMs: number): InsideProcess[] | null {
  const [up = '', daemon = '', ...fields] = text.split('\0');
  const uptimeMs = Number(up) * 1_000;
  if (up.trim() === '' || !Number.isFinite(uptimeMs)) return null;
  const processes: InsideProcess[] = [];
  for (let at = 0; at + 4 <= fields.length; at += 4) {
    const [pid = '', uid = '', stat = '', command = ''] = fields.slice(at, at + 4);
    const process = processOf({ pid, uid, stat, command }, atMs - uptimeMs);
    if (process !== null) processes.push(process);
  }
  return withEssential(processes, Number(daemon)).sort((one, other) => one.pid - other.pid);
}

/** Marks the daemon and the processes above it. */
function withEssential(processes: InsideProcess[], daemonPid: number): InsideProcess[] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const essential = new Set([1]);
  for (let at = byPid.get(daemonPid); at !== undefined; at = byPid.get(at.parentPid)) {
    if (essential.has(at.pid)) break;
    essential.add(at.pid);
  }
  return processes.map((process) => ({ ...process, isEssential: essential.has(process.pid) }));
}

type Fields = { pid: string; uid: string; stat: string; command: string };

function processOf({ pid, uid, stat: text, command }: Fields, bootAtMs: number): InsideProcess | null {
  const stat = parseProcStat(text);
  const process: InsideProcess = {
    pid: Number(pid),
    parentPid: stat.parentPid,
    command: commandOf(command, stat.name),
    uid: Number(uid),
    state: stat.state,
    startTicks: stat.startTicks,
    startedAtMs: Math.round(bootAtMs + stat.startTicks * TICK_MS),
    cpuMs: (stat.userTicks + stat.systemTicks) * TICK_MS,
    memoryBytes: stat.residentPages * PAGE_BYTES,
    hasTerminal: stat.terminal !== 0,
    isEssential: false,
  };
  const { uid: owner, parentPid, startTicks, cpuMs, memoryBytes } = process;
  const numbers = [process.pid, owner, parentPid, startTicks, cpuMs, memoryBytes, stat.terminal];
  return numbers.every(Number.isFinite) ? process : null;
}

/** A kernel thread or a zombie has no command line. */
export function commandOf(commandLine: string, name: string): string {
  const command = commandLine.trimEnd();
  return command === '' ? `[${name.slice(0, 64)}]` : command;
}
