import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { listProcesses } from '@/lib/processes/list';
import { responseOf } from '@/lib/result';
import { SandboxId } from '@/lib/sandbox/schema';

/** The processes started through the API in a running sandbox: `ProcessList`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/sandboxes/[id]/processes'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('operator');
    const list = await listProcesses(parseInput(SandboxId, (await params).id), request.signal);
    return Response.json(list, { headers: { 'cache-control': 'no-store' } });
  });
}
