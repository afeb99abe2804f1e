import 'server-only';
import { parseProcStat } from '../sandbox/proc-stat';
import type { EnvdProcesses } from '../sandbox-api/envd-processes';

const LIFETIME_MS = 5_000;
/** One line is enough. The sandbox's `cat` is untrusted and may write without end. */
const MAX_BYTES = 4 * 1024;
/** The longest name that the kernel keeps. */
const MAX_NAME_CHARS = 15;

/** The name of the program in the foreground of the shell `pid`'s terminal, or `null` if it is the shell itself. */
export async function findForeground(
  envd: Pick<EnvdProcesses, 'run'>,
  pid: number,
  signal: AbortSignal,
): Promise<string | null> {
  const { processGroup, foregroundGroup } = parseProcStat(await readProc(envd, `/proc/${pid}/stat`, signal));
  if (!(foregroundGroup > 0) || foregroundGroup === processGroup) return null;
  const name = (await readProc(envd, `/proc/${foregroundGroup}/comm`, signal)).trim();
  return name.slice(0, MAX_NAME_CHARS) || 'A program';
}

async function readProc(
  envd: Pick<EnvdProcesses, 'run'>,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const parts: Buffer[] = [];
  let bytesLeft = MAX_BYTES;
  for await (const event of envd.run({ cmd: 'cat', args: [path] }, LIFETIME_MS, signal)) {
    if (event.kind !== 'stdout') continue;
    parts.push(event.bytes.subarray(0, bytesLeft));
    bytesLeft -= event.bytes.length;
    if (bytesLeft <= 0) break;
  }
  return Buffer.concat(parts).toString('utf8');
}
