import { guardRead } from '@/lib/access/guard';
import { parseSandboxKey } from '@/lib/access/input';
import { listInside } from '@/lib/processes/inside';
import { readingLog } from '@/lib/processes/reading-log';
import { responseOf } from '@/lib/result';

/** All processes in a running sandbox, read by a shell started there: `InsideList`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/processes/inside'>,
): Promise<Response> {
  return responseOf(async () => {
    const session = await guardRead('operator', params);
    const sandboxKey = parseSandboxKey(await params);
    await readingLog().record(session, sandboxKey);
    const list = await listInside(sandboxKey, request.signal);
    return Response.json(list, { headers: { 'cache-control': 'no-store' } });
  });
}
