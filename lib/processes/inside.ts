import 'server-only';
import { SandkeeperError } from '../errors';
import { openEnvd } from '../sandbox-api/envd';
import { followCommand } from '../sandbox-api/guest-command';
import type { InsideList, InsideProcess } from './schema';

/**
 * One shell that starts nothing else and takes no text from anybody: each process as its number, its owner, its `stat`
 * and its command line, each ended by NUL. What ends meanwhile is left out.
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

const LIFE_MS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_PROCESSES = 2_000;
/** What Linux counts processor time in, everywhere that matters. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;

/** Every process in a running sandbox, read by a shell within it: only when somebody asks. @throws SandkeeperError */
export async function listInside(sandboxId: string, signal: AbortSignal): Promise<InsideList> {
  const envd = await openEnvd(sandboxId);
  const command = { cmd: '/bin/bash', args: ['--noprofile', '--norc', '-c', SCRIPT], cwd: '/' };
  const parts: Buffer[] = [];
  let size = 0;
  let isWhole = false;
  for await (const event of followCommand(envd, command, LIFE_MS, signal)) {
    if (event.kind === 'end') isWhole = event.exitCode >= 0;
    if (event.kind !== 'stdout') continue;
    size += event.bytes.length;
    if (size > MAX_BYTES) break;
    parts.push(event.bytes);
  }
  const atMs = Date.now();
  const processes = readInside(Buffer.concat(parts).toString('utf8'), atMs);
  if (processes === null) throw new SandkeeperError('unexpected', 'The sandbox did not say what runs in it.');
  return { processes, isCut: !isWhole || processes.length >= MAX_PROCESSES, atMs };
}

/** What the script wrote; `null` where it is something else. */
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

/** `stat` as proc(5) has it: the name stands in parentheses and may have anything in it. */
function processOf({ pid, uid, stat, command }: Fields, bootAtMs: number): InsideProcess | null {
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const at = (place: number) => Number(rest[place - 3]);
  const numbers = [Number(pid), Number(uid), at(4), at(7), at(14), at(15), at(22), at(24)];
  if (!numbers.every(Number.isFinite)) return null;
  return {
    pid: Number(pid),
    parentPid: at(4),
    command: command === '' ? `[${name.slice(0, 64)}]` : command,
    uid: Number(uid),
    state: rest[0]?.slice(0, 1) ?? '?',
    startedAtMs: Math.round(bootAtMs + at(22) * TICK_MS),
    cpuMs: (at(14) + at(15)) * TICK_MS,
    memoryBytes: at(24) * PAGE_BYTES,
    hasTerminal: at(7) !== 0,
  };
}
