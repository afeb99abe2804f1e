import { guardRead } from '@/lib/access/guard';
import { responseOf } from '@/lib/result';
import { listViews } from '@/lib/views/store';

/** The saved views of the caller and of the team, `SavedView[]`. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const { actor } = await guardRead('viewer');
    return Response.json(await listViews(actor), { headers: { 'cache-control': 'no-store' } });
  });
}
