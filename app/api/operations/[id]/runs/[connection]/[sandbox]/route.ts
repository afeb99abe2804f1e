import { guardRead } from '@/lib/access/guard';
import { parseSandboxKey } from '@/lib/access/input';
import { findCommand } from '@/lib/commands/store';
import { SandkeeperError } from '@/lib/errors';
import { findRecord } from '@/lib/operations/record/record';
import { inOperation } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';

/** The record of a command in one sandbox, with its kept output: `CommandRecord`. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/operations/[id]/runs/[connection]/[sandbox]'>,
): Promise<Response> {
  return responseOf(async () => {
    const { grants } = await guardRead('operator', inOperation(params));
    const { id, connection, sandbox } = await params;
    const sandboxKey = parseSandboxKey({ connection, id: sandbox });
    const operation = await findRecord(id, grants);
    const command = operation && (await findCommand({ operationId: operation.id, sandboxKey }));
    if (!command) throw new SandkeeperError('not_found', 'This operation sent no command to this sandbox.');
    return Response.json(command, { headers: { 'cache-control': 'no-store' } });
  });
}
