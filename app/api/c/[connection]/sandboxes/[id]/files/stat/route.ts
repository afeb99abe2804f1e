import { guardRead } from '@/lib/access/guard';
import { statEntry } from '@/lib/files/browse/reader';
import { parsePathRequest } from '@/lib/files/input';
import { responseOf } from '@/lib/result';

/** `?path=`: one entry, `Entry`. Role: viewer. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/files/stat'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer', params);
    const { sandboxKey, path } = parsePathRequest(await params, request.url);
    return Response.json(await statEntry(sandboxKey, path, request.signal), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
