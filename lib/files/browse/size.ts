import 'server-only';
import { concernsOneFile, fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import type { Entry, FolderSize } from '../schema';
import { withoutPseudo } from './folders';
import { openFiles } from './reader';

/** An estimate before a download is enough, so counting stops early and reports `isCut`. */
const MAX_ENTRIES = 300_000;
const MAX_MS = 5_000;
const CONCURRENCY = 6;

/** Counts some paths and everything below them without following links. Runs no command in the sandbox. Throws FileError. */
export async function measurePaths(
  sandboxKey: SandboxKey,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<FolderSize> {
  const envd = await openFiles(sandboxKey);
  const size: FolderSize = { entries: 0, bytes: 0, isCut: false };
  const untilMs = performance.now() + MAX_MS;
  const todo: string[] = [];
  const count = (entry: Entry) => {
    size.entries += 1;
    if (entry.kind === 'file') size.bytes += entry.sizeBytes;
    if (entry.kind === 'directory' && entry.isAddressable) todo.push(entry.path);
  };
  for (const path of new Set(paths)) count(await envd.stat(path, signal));
  const read = async (path: string) => {
    try {
      const entries = await envd.listDir(path, signal);
      for (const entry of path === '/' ? withoutPseudo(entries) : entries) count(entry);
    } catch (thrown) {
      if (!concernsOneFile(thrown)) throw thrown;
      // An unreadable or deleted folder would not be in the archive either.
      if (fileProblemOf(thrown) === 'too_large') size.isCut = true;
    }
  };
  while (todo.length > 0) {
    if (size.entries > MAX_ENTRIES || performance.now() > untilMs) return { ...size, isCut: true };
    await Promise.all(todo.splice(0, CONCURRENCY).map(read));
  }
  return size;
}
