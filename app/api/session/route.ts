import { guardRead } from '@/lib/access/guard';
import { membershipOf } from '@/lib/access/oidc/membership';
import { buildId } from '@/lib/build-id';
import { ANYWHERE } from '@/lib/grants';
import { responseOf } from '@/lib/result';

/** Who is signed in, whether their provider still confirms it, and which build the server runs. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const { id, userId, actor, grants, expiresAtMs } = await guardRead('viewer', ANYWHERE, {
      isUse: false,
    });
    const membership = await membershipOf(id);
    const session = { userId, actor, grants, expiresAtMs, membership, build: buildId() };
    return Response.json(session, { headers: { 'cache-control': 'no-store' } });
  });
}
