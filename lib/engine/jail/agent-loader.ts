import { execFile } from 'node:child_process';
import { chmodSync, closeSync, copyFileSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exactEnv } from './environment';

const FILE = 'agent-loader';
const HEADER_BYTES = 64 * 1024;
const TRIAL_DEADLINE_MS = 10_000;
const PT_INTERP = 3;

/**
 * Makes a copy of the system's program loader that can be executed but not read, and returns its path.
 *
 * The kernel marks a process as not dumpable if it cannot read the file it was started from (`would_dump` in fs/exec.c).
 * Other processes of the sandbox can then neither trace the process nor open its memory and its descriptors, above all its
 * connection to the engine. Node itself has no such call, and a copy of the small loader does as well as one of Node.
 * @returns null where that is impossible: Node is linked statically, or the directory forbids programs
 */
export async function makeAgentLoader(directory: string, node: string): Promise<string | null> {
  const path = join(directory, FILE);
  const draft = `${path}.${process.pid}`;
  try {
    const loader = readInterpreter(node);
    if (loader === null) return null;
    copyFileSync(loader, draft);
    chmodSync(draft, 0o111);
    renameSync(draft, path);
    await promisify(execFile)(path, ['/bin/true'], { env: exactEnv({}), timeout: TRIAL_DEADLINE_MS });
    return path;
  } catch {
    rmSync(draft, { force: true });
    return null;
  }
}

/** The loader that a program names in its header; null if the program needs none. @throws if it cannot be read */
function readInterpreter(program: string): string | null {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = openSync(program, 'r');
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  const isElf64 = header.readUInt32BE(0) === 0x7f45_4c46 && header.readUInt8(4) === 2;
  if (!isElf64 || header.readUInt8(5) !== 1) return null;
  const tableOffset = Number(header.readBigUInt64LE(32));
  const entrySize = header.readUInt16LE(54);
  const count = header.readUInt16LE(56);
  for (let index = 0; index < count; index += 1) {
    const at = tableOffset + index * entrySize;
    if (at + 40 > header.length) return null;
    if (header.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(header.readBigUInt64LE(at + 8));
    const size = Number(header.readBigUInt64LE(at + 32));
    return header
      .subarray(from, from + size)
      .toString('utf8')
      .replace(/\0.*$/s, '');
  }
  return null;
}
