import { guardRead } from '@/lib/access/guard';
import { listFolder, packListing } from '@/lib/files/browse/reader';
import { parsePathRequest } from '@/lib/files/input';
import { responseOf } from '@/lib/result';

/** `?path=`: the entries of a folder as gzipped JSON, `Listing`. Role: viewer. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/sandboxes/[id]/files/list'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    const { sandboxId, path } = parsePathRequest((await params).id, request.url);
    const listing = await listFolder(sandboxId, path, request.signal);
    return new Response(await packListing(listing), {
      headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
    });
  });
}
