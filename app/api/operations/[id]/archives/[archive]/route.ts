import { Readable } from 'node:stream';
import { noteAccess } from '@/lib/access/audit';
import { guardRead } from '@/lib/access/guard';
import { dispositionOf } from '@/lib/files/transfer/attachment';
import { openSavedArchive } from '@/lib/operations/archive/saved-archive';
import { inOperation } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';

/** Downloads the archive of a sandbox's files that an operation saved before its kill. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/operations/[id]/archives/[archive]'>,
): Promise<Response> {
  return responseOf(async () => {
    const session = await guardRead('operator', inOperation(params));
    const { id: operationId, archive } = await params;
    const { file, bytes, name, sandboxKey } = await openSavedArchive(operationId, archive);
    try {
      await noteAccess(session, {
        kind: 'archive-downloaded',
        sandboxKey,
        detail: `Archive from before its kill: ${name}`,
      });
    } catch (thrown) {
      await file.close();
      throw thrown;
    }
    // Closes the file at its end, and when the client leaves.
    const body = Readable.toWeb(file.createReadStream({ end: bytes - 1 })) as ReadableStream<Uint8Array>;
    return new Response(body, {
      headers: {
        'content-type': 'application/gzip',
        'content-length': String(bytes),
        'content-disposition': dispositionOf('attachment', `${archive}.tar.gz`),
        'cache-control': 'no-store',
      },
    });
  });
}
