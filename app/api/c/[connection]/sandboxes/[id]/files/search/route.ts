import { noteAccess } from '@/lib/access/audit';
import { guardRead } from '@/lib/access/guard';
import { parseSearchRequest } from '@/lib/files/input';
import { ndjsonOf, searchFiles } from '@/lib/files/search/search';
import { responseOf } from '@/lib/result';

/** `?path=&text=&in=`: searches names or contents. NDJSON of `SearchLine`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/files/search'>,
): Promise<Response> {
  return responseOf(async () => {
    const session = await guardRead('operator', params);
    const { sandboxKey, query } = parseSearchRequest(await params, request.url);
    await noteAccess(session, { kind: 'searched', sandboxKey, path: query.path, detail: query.text });
    return new Response(await ndjsonOf(searchFiles(sandboxKey, query, request.signal)), {
      headers: { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' },
    });
  });
}
