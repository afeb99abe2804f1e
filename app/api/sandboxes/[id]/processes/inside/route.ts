import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { listInside } from '@/lib/processes/inside';
import { readingLog } from '@/lib/processes/reading-log';
import { responseOf } from '@/lib/result';
import { SandboxId } from '@/lib/sandbox/schema';

/** All processes in a running sandbox, read by a shell started there: `InsideList`. Role: operator. */
export function GET(
  request: Request,
  { params }: RouteContext<'/api/sandboxes/[id]/processes/inside'>,
): Promise<Response> {
  return responseOf(async () => {
    const session = await guardRead('operator');
    const sandboxId = parseInput(SandboxId, (await params).id);
    await readingLog().record(session, sandboxId);
    const list = await listInside(sandboxId, request.signal);
    return Response.json(list, { headers: { 'cache-control': 'no-store' } });
  });
}
