import { guardRead } from '@/lib/access/guard';
import { buildId } from '@/lib/build-id';
import { responseOf } from '@/lib/result';

/** Who is signed in, and which build the server runs. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const { role, actor, expiresAtMs } = await guardRead('viewer');
    const session = { role, actor, expiresAtMs, build: buildId() };
    return Response.json(session, { headers: { 'cache-control': 'no-store' } });
  });
}
