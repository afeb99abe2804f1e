import 'server-only';
import { randomBytes } from 'node:crypto';
import { SandkeeperError } from '../../errors';
import type { Envd } from '../../sandbox-api/envd';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import { openFiles, statFile } from '../browse/reader';
import type { Entry, UploadConflict } from '../schema';

/** Time limit of the cleanup after a failure, ms. */
const CLEANUP_MS = 10_000;
const DEFAULT_PERMISSIONS = 'rw-r--r--';

/**
 * Streams a file into the sandbox and moves it into place once it is complete. Creates missing folders.
 * @throws SandkeeperError `conflict` if the file exists and `conflict` is `refuse`; FileError
 */
export async function uploadFile(
  sandboxId: string,
  path: string,
  body: AsyncIterable<Uint8Array>,
  { conflict, signal }: { conflict: UploadConflict; signal: AbortSignal },
): Promise<Entry> {
  const envd = await openFiles(sandboxId);
  const before = await findFile(envd, path, signal);
  if (before && conflict === 'refuse') {
    throw new SandkeeperError(
      'conflict',
      'A file of this name already exists. Replace it or choose another name.',
    );
  }
  // Replaces the target of a link, not the link.
  const target = before?.path ?? path;
  const draft = `${target.slice(0, target.lastIndexOf('/'))}/.upload-${randomBytes(8).toString('hex')}`;
  try {
    const sent = await writeDraft(envd, draft, body, signal);
    const { sizeBytes } = await envd.stat(draft, signal);
    if (sizeBytes !== sent)
      throw new FileError('unavailable', { message: 'The upload was incomplete. Try again.' });
    if (before) await keepPermissions(envd, before, draft, signal);
    await envd.move(draft, target, signal);
  } catch (thrown) {
    await envd.remove(draft, AbortSignal.timeout(CLEANUP_MS)).catch(() => {});
    throw thrown;
  }
  return envd.stat(path, signal);
}

/** The file to replace, following links. Throws FileError for other kinds. */
async function findFile(envd: Envd, path: string, signal: AbortSignal): Promise<Entry | null> {
  try {
    return await statFile(envd, path, signal);
  } catch (thrown) {
    if (fileProblemOf(thrown) === 'vanished') return null;
    throw thrown;
  }
}

async function writeDraft(
  envd: Envd,
  draft: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  let sent = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      sent += chunk.length;
      yield chunk;
    }
  }
  await envd.writeFile(draft, counted(), signal);
  return sent;
}

/** Keeps a replaced script executable, if the sandbox has `chmod`. */
async function keepPermissions(
  envd: Envd,
  { permissions }: Entry,
  draft: string,
  signal: AbortSignal,
): Promise<void> {
  const letters = permissions.slice(-9);
  if (letters === DEFAULT_PERMISSIONS || !/^[r-][w-][x-][r-][w-][x-][r-][w-][x-]$/.test(letters)) return;
  const bits = [...letters].reduce((mode, letter) => mode * 2 + (letter === '-' ? 0 : 1), 0);
  const command = { cmd: 'chmod', args: [bits.toString(8), '--', draft] };
  try {
    for await (const event of envd.run(command, CLEANUP_MS, signal)) if (event.kind === 'end') return;
  } catch {
    signal.throwIfAborted();
  }
}
