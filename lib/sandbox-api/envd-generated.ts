import 'server-only';
import { ByteCollector } from './byte-collector';
import { followCommand } from './envd-command';
import type { EnvdProcesses } from './envd-processes';
import { FileError } from './file-error';

const LIFETIME_MS = 10_000;
/** The longest file that is read, because all of it is held in memory. */
const MAX_GENERATED_BYTES = 4 * 1024 * 1024;
/** The file systems whose files the kernel makes up as they are read. */
const GENERATED = /^\/(?:proc|sys)\//;

/** Whether the size of a file at this path, after its links, says nothing about its content. */
export function isGenerated(path: string, sizeBytes: number): boolean {
  return GENERATED.test(path) && (sizeBytes === 0 || path.startsWith('/sys/'));
}

/** Reads such a file with a process in the sandbox, because the daemon cannot seek in it (docs/protocol.md#envd-reading-a-file). */
export async function readGenerated(
  processes: EnvdProcesses,
  path: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const command = { cmd: 'head', args: ['-c', String(MAX_GENERATED_BYTES + 1), '--', path], cwd: '/' };
  const read = new ByteCollector();
  let stderr = '';
  let exitCode: number | null = null;
  for await (const event of followCommand(processes, command, LIFETIME_MS, signal)) {
    if (event.kind === 'end') exitCode = event.exitCode;
    if (event.kind === 'stderr') stderr = `${stderr}${event.bytes}`.slice(0, 1_024);
    if (event.kind !== 'stdout') continue;
    read.add(event.bytes);
    if (read.size > MAX_GENERATED_BYTES) throw tooLarge();
  }
  if (exitCode === 0) return read.bytes();
  if (/permission denied|not permitted/i.test(stderr)) throw new FileError('denied');
  if (/no such (?:file|process)/i.test(stderr)) throw new FileError('vanished');
  const message = 'The kernel does not let this file be read. Read it in a console.';
  throw new FileError('not_seekable', { message, cause: stderr });
}

function tooLarge(): FileError {
  const message = 'The kernel writes more of this file than can be shown. Read it in a console.';
  return new FileError('too_large', { message });
}
