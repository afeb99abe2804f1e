import 'server-only';
import { SandkeeperError } from '../errors';
import { parseProcStat } from '../sandbox/proc-stat';
import { ByteCollector } from '../sandbox-api/byte-collector';
import { openEnvd } from '../sandbox-api/envd';
import { followCommand } from '../sandbox-api/envd-command';
import type { InsideList, InsideProcess } from './schema';

/**
 * Prints the uptime, then for each process its pid, uid, `stat` and command line, each followed by NUL. Uses only shell
 * builtins, and skips processes that end while it runs.
 */
const SCRIPT = `
read -r up _ </proc/uptime
printf '%s\\0' "$up"
n=0
for dir in /proc/[0-9]*; do
  pid=\${dir#/proc/}
  [ "$pid" = "$$" ] && continue
  { IFS= read -r -d '' stat <"$dir/stat"; } 2>/dev/null
  [ -n "$stat" ] || continue
  uid=
  { while read -r key value _; do
    [ "$key" = Uid: ] && { uid=$value; break; }
  done <"$dir/status"; } 2>/dev/null
  args=()
  { mapfile -d '' -t -n 200 args <"$dir/cmdline"; } 2>/dev/null
  line="\${args[*]}"
  printf '%s\\0%s\\0%s\\0%s\\0' "$pid" "\${uid:-0}" "$stat" "\${line:0:2000}"
  n=$((n + 1))
  [ "$n" -ge 2000 ] && break
done
`;

const LIFETIME_MS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_PROCESSES = 2_000;
/** The kernel reports times in ticks of 1/100 s on all common platforms. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

/** Every process in a running sandbox, read by a shell that is started in it. @throws SandkeeperError */
export async function listInside(sandboxId: string, signal: AbortSignal): Promise<InsideList> {
  const envd = await openEnvd(sandboxId);
  const command = { cmd: '/bin/bash', args: ['--noprofile', '--norc', '-c', SCRIPT], cwd: '/' };
  const read = new ByteCollector();
  let isWhole = false;
  for await (const event of followCommand(envd, command, LIFETIME_MS, signal)) {
    if (event.kind === 'end') isWhole = event.exitCode >= 0;
    if (event.kind !== 'stdout') continue;
    if (read.size + event.bytes.length > MAX_BYTES) break;
    read.add(event.bytes);
  }
  const atMs = Date.now();
  const processes = readInside(read.bytes().toString('utf8'), atMs);
  if (processes === null)
    throw new SandkeeperError('unexpected', 'The processes in the sandbox could not be read. Try again.');
  return { processes, isCut: !isWhole || processes.length >= MAX_PROCESSES, atMs };
}

/** Parses the script's output. `null` if it is not in this format. */
export function readInside(text: string, atMs: number): InsideProcess[] | null {
  const [up = '', ...fields] = text.split('\0');
  const uptimeMs = Number(up) * 1_000;
  if (up.trim() === '' || !Number.isFinite(uptimeMs)) return null;
  const processes: InsideProcess[] = [];
  for (let at = 0; at + 4 <= fields.length; at += 4) {
    const [pid = '', uid = '', stat = '', command = ''] = fields.slice(at, at + 4);
    const process = processOf({ pid, uid, stat, command }, atMs - uptimeMs);
    if (process !== null) processes.push(process);
  }
  return processes.sort((one, other) => one.pid - other.pid);
}

type Fields = { pid: string; uid: string; stat: string; command: string };

function processOf({ pid, uid, stat: text, command }: Fields, bootAtMs: number): InsideProcess | null {
  const stat = parseProcStat(text);
  const process: InsideProcess = {
    pid: Number(pid),
    parentPid: stat.parentPid,
    command: command === '' ? `[${stat.name.slice(0, 64)}]` : command,
    uid: Number(uid),
    state: stat.state,
    startedAtMs: Math.round(bootAtMs + stat.startTicks * TICK_MS),
    cpuMs: (stat.userTicks + stat.systemTicks) * TICK_MS,
    memoryBytes: stat.residentPages * PAGE_BYTES,
    hasTerminal: stat.terminal !== 0,
  };
  const { uid: owner, parentPid, startedAtMs, cpuMs, memoryBytes } = process;
  const numbers = [process.pid, owner, parentPid, startedAtMs, cpuMs, memoryBytes, stat.terminal];
  return numbers.every(Number.isFinite) ? process : null;
}
