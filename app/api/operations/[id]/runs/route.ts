import { guardRead, NOT_FOUND } from '@/lib/access/guard';
import { groupCommands, withExcerpts } from '@/lib/commands/groups';
import { listCommandSummaries, readExcerpts } from '@/lib/commands/store';
import { SandkeeperError } from '@/lib/errors';
import { findRecord } from '@/lib/operations/record/record';
import { inOperation, listItems } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';
import type { SandboxKey } from '@/lib/sandbox-key';

/** Groups beyond this number come without the first lines of output. */
const MAX_WITH_EXCERPT = 400;

/** The results of a command so far, largest group first: `{ groups: ResultGroup[] }`. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/operations/[id]/runs'>,
): Promise<Response> {
  return responseOf(async () => {
    const { grants } = await guardRead('operator', inOperation(params));
    const operation = await findRecord((await params).id, grants);
    if (operation === null) throw new SandkeeperError('not_found', NOT_FOUND);
    const [items, commands] = await Promise.all([
      listItems(operation.id),
      listCommandSummaries(operation.id),
    ]);
    const groups = groupCommands(items, commands);
    const read = (keys: readonly SandboxKey[]) => readExcerpts(operation.id, keys.slice(0, MAX_WITH_EXCERPT));
    return Response.json(
      { groups: await withExcerpts(groups, read) },
      { headers: { 'cache-control': 'no-store' } },
    );
  });
}
