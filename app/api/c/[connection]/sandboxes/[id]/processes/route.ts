import { guardRead } from '@/lib/access/guard';
import { parseSandboxKey } from '@/lib/access/input';
import { listProcesses } from '@/lib/processes/list';
import { responseOf } from '@/lib/result';

/** The processes started through the API in a running sandbox: `ProcessList`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/processes'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('operator', params);
    const list = await listProcesses(parseSandboxKey(await params), request.signal);
    return Response.json(list, { headers: { 'cache-control': 'no-store' } });
  });
}
