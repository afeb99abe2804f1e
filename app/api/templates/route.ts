import { guardRead } from '@/lib/access/guard';
import { listTemplates } from '@/lib/moru/control';
import { responseOf } from '@/lib/result';

/** The templates a sandbox can be created from. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    return Response.json(await listTemplates(), { headers: { 'cache-control': 'no-store' } });
  });
}
