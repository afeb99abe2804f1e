import 'server-only';
import { parseProcStat } from '../sandbox/proc-stat';
import type { EnvdProcesses } from '../sandbox-api/envd-processes';

const LIFETIME_MS = 5_000;
/** A few lines are enough. The sandbox's `cat` is untrusted and may write without end. */
const MAX_BYTES = 16 * 1024;
/** The longest name that the kernel keeps. */
const MAX_NAME_CHARS = 15;
const MAX_CHILDREN = 32;

type Envd = Pick<EnvdProcesses, 'run'>;

/** What has a shell's terminal: the shell itself, or a program. `unknown` if the sandbox does not tell. */
export type Foreground = { kind: 'shell' | 'unknown' } | { kind: 'program'; name: string };

/** Reads what is in the foreground of the shell `pid`'s terminal. */
export async function readForeground(envd: Envd, pid: number, signal: AbortSignal): Promise<Foreground> {
  const text = await readProc(envd, [`/proc/${pid}/stat`, `/proc/${pid}/task/${pid}/children`], signal);
  const { processGroup, foregroundGroup } = parseProcStat(text);
  if (!(foregroundGroup > 0)) return { kind: 'unknown' };
  if (foregroundGroup !== processGroup) {
    const name = (await readProc(envd, [`/proc/${foregroundGroup}/comm`], signal)).trim();
    return { kind: 'program', name: name.slice(0, MAX_NAME_CHARS) || 'A program' };
  }
  // Without job control, a shell and its programs share a group.
  const children = text.slice(text.lastIndexOf(')')).split('\n').slice(1).join(' ').match(/\d+/g) ?? [];
  if (children.length === 0) return { kind: 'shell' };
  const paths = children.slice(0, MAX_CHILDREN).map((child) => `/proc/${child}/stat`);
  const stats = (await readProc(envd, paths, signal)).split('\n').map(parseProcStat);
  const program = stats.find(({ state, processGroup: group }) => group === foregroundGroup && state !== 'Z');
  return program === undefined ? { kind: 'shell' } : { kind: 'program', name: program.name };
}

async function readProc(envd: Envd, paths: readonly string[], signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytesLeft = MAX_BYTES;
  for await (const event of envd.run({ cmd: 'cat', args: [...paths] }, LIFETIME_MS, signal)) {
    if (event.kind !== 'stdout') continue;
    parts.push(event.bytes.subarray(0, bytesLeft));
    bytesLeft -= event.bytes.length;
    if (bytesLeft <= 0) break;
  }
  return Buffer.concat(parts).toString('utf8');
}
