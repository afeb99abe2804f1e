import { guardRead } from '@/lib/access/guard';
import { responseOf } from '@/lib/result';
import { listTemplates } from '@/lib/sandbox-api/control';

/** The templates a sandbox can be created from. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    return Response.json(await listTemplates(), { headers: { 'cache-control': 'no-store' } });
  });
}
