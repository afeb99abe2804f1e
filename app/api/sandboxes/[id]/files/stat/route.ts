import { guardRead } from '@/lib/access/guard';
import { statEntry } from '@/lib/files/browse/reader';
import { parsePathRequest } from '@/lib/files/input';
import { responseOf } from '@/lib/result';

/** `?path=`: one entry, `Entry`. Role: viewer. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/sandboxes/[id]/files/stat'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    const { sandboxId, path } = parsePathRequest((await params).id, request.url);
    return Response.json(await statEntry(sandboxId, path, request.signal), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
