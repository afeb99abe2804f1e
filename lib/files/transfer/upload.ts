import 'server-only';
import { randomBytes } from 'node:crypto';
import { SandkeeperError } from '../../errors';
import type { Envd } from '../../sandbox-api/envd';
import { FileError, fileProblemOf } from '../../sandbox-api/file-error';
import type { SandboxKey } from '../../sandbox-key';
import { openFiles, statFile } from '../browse/reader';
import { etagOf } from '../etag';
import { baseName } from '../guest-path';
import type { Entry, UploadConflict } from '../schema';
import { type Draft, draftKeeper } from './drafts';

/** Time limit of the cleanup after a failure, ms. */
const CLEANUP_MS = 10_000;
const DEFAULT_PERMISSIONS = 'rw-r--r--';

type UploadOptions = {
  conflict: UploadConflict;
  ifMatch?: string | null;
  actor: string;
  signal: AbortSignal;
};

/**
 * Streams a file into the sandbox and moves it into place once it is complete. Creates missing folders.
 * `ifMatch`: replace only the version with this etag. Returns the entry of the file, not of a link to it.
 * @throws SandkeeperError `conflict` if the file exists and `conflict` is `refuse`, or is not that version; FileError
 */
export async function uploadFile(
  sandboxKey: SandboxKey,
  path: string,
  body: AsyncIterable<Uint8Array>,
  { conflict, ifMatch = null, actor, signal }: UploadOptions,
): Promise<Entry> {
  const envd = await openFiles(sandboxKey);
  const before = await findFile(envd, path, signal);
  if (before && conflict === 'refuse') {
    throw new SandkeeperError(
      'conflict',
      'A file of this name already exists. Replace it or choose another name.',
    );
  }
  requireVersion(before, ifMatch);
  // Replaces the target of a link, not the link.
  const target = before?.path ?? path;
  const folder = target.slice(0, target.lastIndexOf('/'));
  const draft = { sandboxKey, path: `${folder}/.upload-${randomBytes(8).toString('hex')}`, target, actor };
  await draftKeeper().begin(draft);
  try {
    const sent = await writeDraft(envd, draft.path, body, signal);
    const { sizeBytes } = await envd.stat(draft.path, signal);
    if (sizeBytes !== sent)
      throw new FileError('unavailable', { message: 'The upload was incomplete. Try again.' });
    if (before) await keepPermissions(envd, before, draft.path, signal);
    if (ifMatch !== null) requireVersion(await findFile(envd, target, signal), ifMatch);
    await envd.move(draft.path, target, signal);
  } catch (thrown) {
    if (await removeDraft(envd, draft)) throw thrown;
    throw withLeftover(thrown, baseName(draft.path));
  }
  await draftKeeper().settle(draft);
  return statFile(envd, path, signal);
}

function requireVersion(found: Entry | null, ifMatch: string | null): void {
  if (ifMatch === null || (found !== null && etagOf(found) === ifMatch)) return;
  throw new SandkeeperError(
    'conflict',
    found === null
      ? 'The file was deleted or renamed since you opened it.'
      : 'The file has changed since you opened it.',
  );
}

/** Resolves to false if it could not be removed now. */
async function removeDraft(envd: Envd, draft: Draft): Promise<boolean> {
  try {
    await envd.remove(draft.path, AbortSignal.timeout(CLEANUP_MS));
  } catch {
    draftKeeper().abandon(draft);
    return false;
  }
  await draftKeeper().settle(draft);
  return true;
}

function withLeftover(thrown: unknown, name: string): SandkeeperError {
  const { code, message, problem } = SandkeeperError.from(thrown);
  const reason = problem === 'not_running' ? 'The sandbox was paused during the upload.' : message;
  const details = { cause: thrown, ...(problem === undefined ? {} : { problem }) };
  return new SandkeeperError(
    code,
    `${reason} Sandkeeper removes the part that arrived, ${name}, once the sandbox can be reached.`,
    details,
  );
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
