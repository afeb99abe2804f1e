import 'server-only';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { noteAccess } from '../../../access/audit';
import { parseInput } from '../../../access/input';
import { SandkeeperError } from '../../../errors';
import { ARCHIVE_FORMATS, type ArchiveFormat, GuestPaths } from '../../schema';
import { dispositionOf } from '../attachment';
import { type FileExchange, SEALED_POLICY } from '../serve-content';
import { LIFTED_LIMIT, type OpenedArchive, openArchive } from './archive';
import { archiveProgress } from './progress';
import { ARCHIVE_LIMIT } from './schema';

const ArchiveQuery = z.object({
  paths: GuestPaths,
  format: z.enum(ARCHIVE_FORMATS),
  limit: z.literal('none').nullable(),
});

const TYPES = { 'tar.gz': 'application/gzip', zip: 'application/zip' } satisfies Record<
  ArchiveFormat,
  string
>;
const MAX_DETAIL_CHARS = 1_000;
const CANCELLED = 'The download was cancelled.';

/**
 * `GET archive?path=&path=&format=`: folders and files as one archive, with `limit=none` of any size. The channel `archive`
 * reports the progress under the token `progress`. Role: operator.
 */
export async function sendArchive(exchange: FileExchange): Promise<void> {
  const { req, sandboxKey, query, signal } = exchange;
  const session = await exchange.admit('operator');
  const { paths, format, limit } = parseInput(ArchiveQuery, {
    paths: query.getAll('path'),
    format: query.get('format'),
    limit: query.get('limit'),
  });
  const isRead = req.method === 'GET';
  const progress = archiveProgress().begin(session.userId, isRead ? query.get('progress') : null);
  let failure: string | null = null;
  try {
    const archive = await openArchive(sandboxKey, {
      paths,
      format,
      limit: limit === 'none' ? LIFTED_LIMIT : ARCHIVE_LIMIT,
      signal,
    });
    progress.onCount(archive.count);
    const path = paths[0] ?? null;
    const note = (kind: 'archive-downloaded' | 'archive-failed', text: string) =>
      noteAccess(session, { kind, sandboxKey, path, detail: text.slice(0, MAX_DETAIL_CHARS) });
    if (isRead) await note('archive-downloaded', `${format} of ${paths.join(', ')}`);
    await send(exchange, archive, format).catch(async (thrown) => {
      // A response that breaks ends the signal, too. Only the error tells the two apart.
      failure = isAbort(thrown) && signal.aborted ? CANCELLED : SandkeeperError.from(thrown).message;
      // The response has started, so the client sees only a broken download.
      if (failure !== CANCELLED) await note('archive-failed', failure);
      throw thrown;
    });
    progress.onEnd(null);
  } catch (thrown) {
    progress.onEnd(failure ?? (signal.aborted ? CANCELLED : SandkeeperError.from(thrown).message));
    throw thrown;
  }
}

/** Whether a pipeline ended because its signal did, or because the client left. */
function isAbort(thrown: unknown): boolean {
  const { name, code } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {};
  return name === 'AbortError' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

async function send(
  { req, res, signal }: FileExchange,
  { fileName, body }: OpenedArchive,
  format: ArchiveFormat,
): Promise<void> {
  try {
    res.writeHead(200, {
      'content-type': TYPES[format],
      'content-disposition': dispositionOf('attachment', fileName),
      'content-security-policy': SEALED_POLICY,
      'cache-control': 'no-store',
    });
    if (req.method === 'HEAD') res.end();
    else await pipeline(body, res, { signal });
  } finally {
    body.destroy();
  }
}
