import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { searchId } from '@/lib/fleet/find-id';
import { ANYWHERE } from '@/lib/grants';
import { responseOf } from '@/lib/result';
import { SandboxId } from '@/lib/sandbox/schema';

/** The sandboxes with this id in all connections, ended ones too, as `IdSearch`. Role: viewer. */
export function GET(_request: Request, { params }: RouteContext<'/api/sandboxes/[id]'>): Promise<Response> {
  return responseOf(async () => {
    const { grants } = await guardRead('viewer', ANYWHERE);
    const id = parseInput(SandboxId, (await params).id);
    return Response.json(await searchId(id, grants), { headers: { 'cache-control': 'no-store' } });
  });
}
