import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { findCommand } from '@/lib/commands/store';
import { SandkeeperError } from '@/lib/errors';
import { findRecord } from '@/lib/operations/record/record';
import { responseOf } from '@/lib/result';
import { SandboxId } from '@/lib/sandbox/schema';

/** The record of a command in one sandbox, with its kept output: `CommandRecord`. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/operations/[id]/runs/[sandboxId]'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('operator');
    const { id, sandboxId } = await params;
    const operation = await findRecord(id);
    const command =
      operation &&
      (await findCommand({ operationId: operation.id, sandboxId: parseInput(SandboxId, sandboxId) }));
    if (!command) throw new SandkeeperError('not_found', 'This operation sent no command to this sandbox.');
    return Response.json(command, { headers: { 'cache-control': 'no-store' } });
  });
}
