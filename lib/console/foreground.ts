import 'server-only';
import type { GuestProcesses } from '../sandbox-api/guest-processes';

const LIFE_MS = 5_000;
/** What is read is a line; whatever calls itself `cat` in there may write more. */
const MAX_BYTES = 4 * 1024;
/** As long as the kernel keeps names. */
const MAX_NAME_CHARS = 15;

/** The program that has the terminal of the shell `pid`, by its name; `null` while that is the shell itself. */
export async function findForeground(
  guest: Pick<GuestProcesses, 'run'>,
  pid: number,
  signal: AbortSignal,
): Promise<string | null> {
  const stat = await readProc(guest, `/proc/${pid}/stat`, signal);
  // The name may hold anything, parentheses too; what follows it is numbers: state ppid pgrp session tty tpgid.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [group, foreground] = [Number(fields[2]), Number(fields[5])];
  if (!(foreground > 0) || foreground === group) return null;
  const name = (await readProc(guest, `/proc/${foreground}/comm`, signal)).trim();
  return name.slice(0, MAX_NAME_CHARS) || 'A program';
}

async function readProc(
  guest: Pick<GuestProcesses, 'run'>,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const parts: Buffer[] = [];
  let room = MAX_BYTES;
  for await (const event of guest.run({ cmd: 'cat', args: [path] }, LIFE_MS, signal)) {
    if (event.kind !== 'stdout') continue;
    parts.push(event.bytes.subarray(0, room));
    room -= event.bytes.length;
    if (room <= 0) break;
  }
  return Buffer.concat(parts).toString('utf8');
}
