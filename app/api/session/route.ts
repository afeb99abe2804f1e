import { guardRead } from '@/lib/access/guard';
import { responseOf } from '@/lib/result';

/** Who is signed in. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    const { role, actor, expiresAtMs } = await guardRead('viewer');
    return Response.json({ role, actor, expiresAtMs }, { headers: { 'cache-control': 'no-store' } });
  });
}
