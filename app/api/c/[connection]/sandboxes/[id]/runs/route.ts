import { guardRead } from '@/lib/access/guard';
import { parseSandboxKey } from '@/lib/access/input';
import { readCommandHistory } from '@/lib/commands/store';
import { responseOf } from '@/lib/result';

/** The commands run in a sandbox, and the person's recent commands: `CommandHistory`. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/c/[connection]/sandboxes/[id]/runs'>,
): Promise<Response> {
  return responseOf(async () => {
    const { userId } = await guardRead('operator', params);
    const sandboxKey = parseSandboxKey(await params);
    return Response.json(await readCommandHistory(sandboxKey, userId), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
