import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { noteAccess } from '../../access/audit';
import type { Caller } from '../../access/guard';
import { parseInput } from '../../access/input';
import type { Session } from '../../access/sessions';
import { SandkeeperError } from '../../errors';
import type { Role } from '../../roles';
import type { SandboxKey } from '../../sandbox-key';
import { singleton } from '../../singleton';
import { type OpenedFile, openFile } from '../browse/reader';
import { etagOf } from '../etag';
import { HEAD_BYTES, inlineType } from '../preview/media/inline-type';
import { CONTENT_USES, type ContentUse, GuestPath, UPLOAD_CONFLICTS } from '../schema';
import { dispositionOf } from './attachment';
import { uploadFile } from './upload';

/** A request to a file route. `signal` aborts when the client disconnects, and when the admitted session is over. */
export type FileExchange = {
  req: IncomingMessage;
  res: ServerResponse;
  sandboxKey: SandboxKey;
  query: URLSearchParams;
  signal: AbortSignal;
  /** Guards the request, as `guardRequest`. Await it before anything else. */
  admit: (role: Role, options?: { writes?: boolean }) => Promise<Caller>;
};

/** For downloads: no browser renders them as a page. */
export const SEALED_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox";
/** For content in our elements: framed only by us, without scripts and without our origin. */
const INLINE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";

const ContentQuery = z.object({ path: GuestPath, as: z.enum(CONTENT_USES) });
const UploadQuery = z.object({
  path: GuestPath,
  conflict: z.enum(UPLOAD_CONFLICTS).default('refuse'),
  as: z.literal('edit').optional(),
});

const IS_INLINE = {
  download: false,
  preview: false,
  image: true,
  media: true,
  pdf: true,
} satisfies Record<ContentUse, boolean>;

/** `GET content?path=&as=`: a file or a range of it. Role: operator. */
export async function sendContent(exchange: FileExchange): Promise<void> {
  const session = await exchange.admit('operator');
  const { req, res, sandboxKey, query, signal } = exchange;
  const { path, as } = parseInput(ContentQuery, Object.fromEntries(query));
  const headBytes = IS_INLINE[as] ? HEAD_BYTES : 0;
  const { range } = req.headers;
  const ifRange = req.headers['if-range']?.toString();
  const file = await openFile(sandboxKey, path, { range, ifRange, headBytes, signal });
  try {
    const headers = headersOf(as, file);
    const isRead = req.method === 'GET' && file.content.kind === 'bytes';
    if (isRead && as === 'download') await noteAccess(session, { kind: 'file-downloaded', sandboxKey, path });
    if (isRead && as !== 'download') await recordOpening(session, sandboxKey, path);
    await send(req, res, file, headers, signal);
  } finally {
    if (file.content.kind === 'bytes') file.content.body.destroy();
  }
}

/**
 * `PUT content?path=&conflict=`: writes a file, with `as=edit` one that was edited. With `If-Match`, only over the version
 * with this etag. Returns 201, its entry and its etag. Role: operator.
 */
export async function takeUpload(exchange: FileExchange): Promise<void> {
  const session = await exchange.admit('operator', { writes: true });
  const { req, res, sandboxKey, query, signal } = exchange;
  const { path, conflict, as } = parseInput(UploadQuery, Object.fromEntries(query));
  if (path.endsWith('/')) throw new SandkeeperError('invalid', 'The path must name a file, not a folder.');
  await noteAccess(session, { kind: as === 'edit' ? 'file-edited' : 'file-uploaded', sandboxKey, path });
  // Unlike a loop over the request, this keeps the connection open for the response after an early end.
  const body: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => req.iterator({ destroyOnReturn: false }),
  };
  const entry = await uploadFile(sandboxKey, path, body, {
    conflict,
    ifMatch: req.headers['if-match'] ?? null,
    actor: session.actor,
    signal,
  });
  const etag = etagOf(entry);
  res.writeHead(201, { 'content-type': 'application/json', 'cache-control': 'no-store', etag });
  res.end(JSON.stringify(entry));
}

function headersOf(as: ContentUse, { name, etag, head }: OpenedFile): Record<string, string> {
  const type = IS_INLINE[as] ? inlineType(as, name, head) : 'application/octet-stream';
  if (type === null) {
    throw new SandkeeperError('invalid', 'This file type cannot be shown inline. Download it instead.');
  }
  return {
    'content-type': type,
    'content-disposition': dispositionOf(IS_INLINE[as] ? 'inline' : 'attachment', name),
    'content-security-policy': IS_INLINE[as] ? INLINE_POLICY : SEALED_POLICY,
    ...(IS_INLINE[as] ? { 'x-frame-options': 'SAMEORIGIN' } : {}),
    'cache-control': 'no-store',
    'accept-ranges': 'bytes',
    etag,
  };
}

async function send(
  req: IncomingMessage,
  res: ServerResponse,
  { content }: OpenedFile,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  if (content.kind === 'outside') {
    res.writeHead(416, { ...headers, 'content-range': `bytes */${content.sizeBytes}` }).end();
    return;
  }
  const { range, sizeBytes, body } = content;
  const length = range ? range.end - range.start + 1 : sizeBytes;
  const part = range ? { 'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}` } : {};
  res.writeHead(range ? 206 : 200, { ...headers, ...part, 'content-length': length });
  if (req.method === 'HEAD') res.end();
  else await pipeline(body, res, { signal });
}

/** A preview reads many ranges, which count as one opening. */
const SAME_OPENING_MS = 5 * 60_000;
const MAX_OPENINGS = 10_000;

/** Adds an opened file to the audit log, once for all ranges. */
async function recordOpening(session: Session, sandboxKey: SandboxKey, path: string): Promise<void> {
  const openings = singleton('file-openings', () => new Map<string, number>());
  const key = JSON.stringify([session.id, sandboxKey, path]);
  const nowMs = Date.now();
  if (nowMs - (openings.get(key) ?? 0) < SAME_OPENING_MS) return;
  await noteAccess(session, { kind: 'file-opened', sandboxKey, path });
  // Reinserted as the most recent; the oldest are evicted.
  openings.delete(key);
  openings.set(key, nowMs);
  for (const oldest of openings.keys()) {
    if (openings.size <= MAX_OPENINGS) break;
    openings.delete(oldest);
  }
}
