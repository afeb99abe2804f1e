import { guardRead } from '@/lib/access/guard';
import { recordOf } from '@/lib/operations/record/record';
import { responseOf } from '@/lib/result';

/** One operation with all its items: `{ operation, items }`. Role: viewer. */
export function GET(_request: Request, { params }: RouteContext<'/api/operations/[id]'>): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    return Response.json(await recordOf((await params).id), { headers: { 'cache-control': 'no-store' } });
  });
}
