import { guardRead } from '@/lib/access/guard';
import { measurePaths } from '@/lib/files/browse/size';
import { parsePathsRequest } from '@/lib/files/input';
import { responseOf } from '@/lib/result';

/** `?path=&path=`: the total size of some paths, `FolderSize`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/files/size'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('operator', params);
    const { sandboxKey, paths } = parsePathsRequest(await params, request.url);
    return Response.json(await measurePaths(sandboxKey, paths, request.signal), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
