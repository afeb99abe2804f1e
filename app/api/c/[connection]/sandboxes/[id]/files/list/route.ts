import { guardRead } from '@/lib/access/guard';
import { listFolder, packListing } from '@/lib/files/browse/reader';
import { parsePathRequest } from '@/lib/files/input';
import { responseOf } from '@/lib/result';

/** `?path=`: the entries of a folder as gzipped JSON, `Listing`. Role: viewer. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/files/list'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer', params);
    const { sandboxKey, path } = parsePathRequest(await params, request.url);
    const listing = await listFolder(sandboxKey, path, request.signal);
    return new Response(await packListing(listing), {
      headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
    });
  });
}
