import { ANYWHERE } from '@/lib/access/grants';
import { guardRead } from '@/lib/access/guard';
import { buildId } from '@/lib/build-id';
import { responseOf } from '@/lib/result';

/** Who is signed in, and which build the server runs. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const { userId, actor, grants, expiresAtMs } = await guardRead('viewer', ANYWHERE);
    const session = { userId, actor, grants, expiresAtMs, build: buildId() };
    return Response.json(session, { headers: { 'cache-control': 'no-store' } });
  });
}
