import { guardRead } from '@/lib/access/guard';
import { responseOf } from '@/lib/result';
import { sandboxApi } from '@/lib/sandbox-api/configured';

/** The templates a sandbox can be created from. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    return Response.json(await sandboxApi().listTemplates(), { headers: { 'cache-control': 'no-store' } });
  });
}
