import { guardRead } from '@/lib/access/guard';
import { ANYWHERE } from '@/lib/grants';
import { responseOf } from '@/lib/result';
import { listViews } from '@/lib/views/store';

/** The saved views of the caller and of the team, `SavedView[]`. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const session = await guardRead('viewer', ANYWHERE);
    return Response.json(await listViews(session), { headers: { 'cache-control': 'no-store' } });
  });
}
