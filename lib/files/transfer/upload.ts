import 'server-only';
import { randomBytes } from 'node:crypto';
import { SandkeeperError } from '../../errors';
import type { Envd } from '../../sandbox-api/envd';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import { openFiles, statFile } from '../browse/reader';
import type { Entry, UploadConflict } from '../schema';

/** How long tidying up after a failure may take, ms. */
const TIDY_MS = 10_000;
const PLAIN_PERMISSIONS = 'rw-r--r--';

/**
 * Writes a file, whose bytes are sent on as they come. It appears under its name only once it is whole; what was there
 * before stays until then. Missing folders are made.
 * @throws SandkeeperError `conflict` where something is there and `conflict` says to refuse; FileError
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
    throw new SandkeeperError('conflict', 'There is a file of this name already.');
  }
  // A link stays one: what it leads to is replaced.
  const target = before?.path ?? path;
  const draft = `${target.slice(0, target.lastIndexOf('/'))}/.upload-${randomBytes(8).toString('hex')}`;
  try {
    const sent = await writeDraft(envd, draft, body, signal);
    const { sizeBytes } = await envd.stat(draft, signal);
    if (sizeBytes !== sent) throw new FileError('unavailable', { message: 'The file did not arrive whole.' });
    if (before) await keepPermissions(envd, before, draft, signal);
    await envd.move(draft, target, signal);
  } catch (thrown) {
    await envd.remove(draft, AbortSignal.timeout(TIDY_MS)).catch(() => {});
    throw thrown;
  }
  return envd.stat(path, signal);
}

/** The file that would be replaced, links followed. Throws FileError for what is no file. */
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

/** A script that is replaced can still be run. Where the sandbox has no `chmod`, it is a plain file then. */
async function keepPermissions(
  envd: Envd,
  { permissions }: Entry,
  draft: string,
  signal: AbortSignal,
): Promise<void> {
  const letters = permissions.slice(-9);
  if (letters === PLAIN_PERMISSIONS || !/^[r-][w-][x-][r-][w-][x-][r-][w-][x-]$/.test(letters)) return;
  const bits = [...letters].reduce((mode, letter) => mode * 2 + (letter === '-' ? 0 : 1), 0);
  const command = { cmd: 'chmod', args: [bits.toString(8), '--', draft] };
  try {
    for await (const event of envd.run(command, TIDY_MS, signal)) if (event.kind === 'end') return;
  } catch {
    signal.throwIfAborted();
  }
}
