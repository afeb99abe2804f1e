import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { readCommandHistory } from '@/lib/commands/store';
import { responseOf } from '@/lib/result';
import { SandboxId } from '@/lib/sandbox/schema';

/** The commands run in a sandbox, and the person's recent commands: `CommandHistory`. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/sandboxes/[id]/runs'>,
): Promise<Response> {
  return responseOf(async () => {
    const { actor } = await guardRead('operator');
    const sandboxId = parseInput(SandboxId, (await params).id);
    return Response.json(await readCommandHistory(sandboxId, actor), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
