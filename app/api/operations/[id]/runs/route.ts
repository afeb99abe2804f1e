import { guardRead } from '@/lib/access/guard';
import { groupCommands, withExcerpts } from '@/lib/commands/groups';
import { listCommandSummaries, readExcerpts } from '@/lib/commands/store';
import { SandkeeperError } from '@/lib/errors';
import { findRecord } from '@/lib/operations/record/record';
import { listItems } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';

/** So many groups come with the first lines of what was written. */
const MAX_WITH_EXCERPT = 400;

/** What a command has come to so far, `{ groups: ResultGroup[] }`, the largest first. Role: operator. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/operations/[id]/runs'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('operator');
    const operation = await findRecord((await params).id);
    if (operation === null) throw new SandkeeperError('not_found', 'There is no operation with this id.');
    const [items, runs] = await Promise.all([listItems(operation.id), listCommandSummaries(operation.id)]);
    const groups = groupCommands(items, runs);
    const read = (ids: readonly string[]) => readExcerpts(operation.id, ids.slice(0, MAX_WITH_EXCERPT));
    return Response.json(
      { groups: await withExcerpts(groups, read) },
      { headers: { 'cache-control': 'no-store' } },
    );
  });
}
