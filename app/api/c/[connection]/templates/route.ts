import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { responseOf } from '@/lib/result';
import { sandboxApi } from '@/lib/sandbox-api/configured';
import { ConnectionName } from '@/lib/sandbox-key';

/** The templates that a sandbox of this connection can be created from. Role: viewer. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/c/[connection]/templates'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer', params);
    const name = parseInput(ConnectionName, (await params).connection);
    return Response.json(await sandboxApi(name).listTemplates(), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
