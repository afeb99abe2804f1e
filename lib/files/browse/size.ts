import 'server-only';
import { fileProblemOf, isOfOneFile } from '../../sandbox-api/file-error';
import type { Entry, FolderSize } from '../schema';
import { withoutPseudo } from './folders';
import { openFiles } from './reader';

/** Counting is for a glance before a download: it ends soon, and says that there is more. */
const MAX_ENTRIES = 300_000;
const WITHIN_MS = 5_000;
/** Folders that are read at once. */
const AT_ONCE = 6;

/** How much there is at and below some places, links as links. Starts nothing in the sandbox. Throws FileError. */
export async function measurePaths(
  sandboxId: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<FolderSize> {
  const envd = await openFiles(sandboxId);
  const size: FolderSize = { entries: 0, bytes: 0, isCut: false };
  const untilMs = performance.now() + WITHIN_MS;
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
      if (!isOfOneFile(thrown)) throw thrown;
      // What may not be read cannot be taken along either, and what has gone is no more.
      if (fileProblemOf(thrown) === 'too_large') size.isCut = true;
    }
  };
  while (todo.length > 0) {
    if (size.entries > MAX_ENTRIES || performance.now() > untilMs) return { ...size, isCut: true };
    await Promise.all(todo.splice(0, AT_ONCE).map(read));
  }
  return size;
}
