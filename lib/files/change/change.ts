import 'server-only';
import { noteAccess } from '../../access/audit';
import type { Who } from '../../access/sessions';
import { SandkeeperError } from '../../errors';
import type { Envd } from '../../sandbox-api/envd';
import { fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { openFiles } from '../browse/reader';
import { baseName, childOf, parentOf } from '../guest-path';
import type { Entry } from '../schema';
import { changeRefusal } from './names';

/** Changes of entries in a running sandbox, with the permissions of its user. Each is recorded before it is made. */

/** For all entries of one request. */
const MAX_MS = 60_000;

/**
 * Creates an empty folder.
 * @throws SandkeeperError `conflict` if the name is taken; FileError
 */
export async function createFolder(
  who: Who,
  sandboxKey: SandboxKey,
  folder: string,
  name: string,
): Promise<Entry> {
  const signal = AbortSignal.timeout(MAX_MS);
  const path = childOf(folder, name);
  const envd = await openFiles(sandboxKey);
  await requireFree(envd, path, signal);
  await noteAccess(who, { kind: 'folder-created', sandboxKey, path });
  await envd.makeDir(path, signal);
  return envd.stat(path, signal);
}

/**
 * Renames an entry within its folder. A link is renamed, not its target.
 * @throws SandkeeperError `conflict` if the name is taken, `invalid` for a folder of the system; FileError
 */
export async function renameAt(who: Who, sandboxKey: SandboxKey, path: string, name: string): Promise<Entry> {
  requireChangeable(path);
  const signal = AbortSignal.timeout(MAX_MS);
  const target = childOf(parentOf(path), name);
  const envd = await openFiles(sandboxKey);
  await envd.stat(path, signal);
  // The service would replace a file of the new name.
  await requireFree(envd, target, signal);
  await noteAccess(who, { kind: 'file-renamed', sandboxKey, path, detail: `to ${name}` });
  await envd.move(path, target, signal);
  return envd.stat(target, signal);
}

/** `failures`: the entries that are still there, with the reason. */
export type Deletion = { deleted: number; failures: { path: string; message: string }[] };

/**
 * Deletes entries, folders with everything in them. Links are not followed. Continues after an entry that cannot be
 * deleted.
 * @throws SandkeeperError `invalid` for a folder of the system; FileError if the sandbox cannot be reached
 */
export async function deleteAll(
  who: Who,
  sandboxKey: SandboxKey,
  paths: readonly string[],
): Promise<Deletion> {
  for (const path of paths) requireChangeable(path);
  const signal = AbortSignal.timeout(MAX_MS);
  const envd = await openFiles(sandboxKey);
  const result: Deletion = { deleted: 0, failures: [] };
  for (const path of paths) {
    await noteAccess(who, { kind: 'file-deleted', sandboxKey, path });
    try {
      await envd.remove(path, signal);
      result.deleted += 1;
    } catch (thrown) {
      const { message } = SandkeeperError.from(thrown);
      result.failures.push({ path, message: `${baseName(path)}: ${message}` });
    }
  }
  return result;
}

function requireChangeable(path: string): void {
  const reason = changeRefusal(path);
  if (reason !== null) throw new SandkeeperError('invalid', reason);
}

async function requireFree(envd: Envd, path: string, signal: AbortSignal): Promise<void> {
  const found = await envd.stat(path, signal).catch((thrown) => {
    if (fileProblemOf(thrown) === 'vanished') return null;
    throw thrown;
  });
  if (found !== null) throw new SandkeeperError('conflict', 'Something of this name already exists.');
}
