import { guardRead } from '@/lib/access/guard';
import { recordOf } from '@/lib/operations/record/record';
import { inOperation } from '@/lib/operations/record/store';
import { responseOf } from '@/lib/result';

/** One operation with all its items: `{ operation, items }`. Role: viewer. */
export function GET(_request: Request, { params }: RouteContext<'/api/operations/[id]'>): Promise<Response> {
  return responseOf(async () => {
    const { grants } = await guardRead('viewer', inOperation(params));
    return Response.json(await recordOf((await params).id, grants), {
      headers: { 'cache-control': 'no-store' },
    });
  });
}
