import { guardRead } from '@/lib/access/guard';
import { startFlow } from '@/lib/access/oidc/handlers';
import { EVERYWHERE } from '@/lib/grants';
import { responseOf } from '@/lib/result';

type Context = { params: Promise<{ provider: string }> };

/** Sends the browser to a provider to test the sign-in. Role: admin. */
export function GET(request: Request, { params }: Context): Promise<Response> {
  return responseOf(async () => {
    const { userId } = await guardRead('admin', EVERYWHERE);
    return startFlow(request, (await params).provider, userId);
  });
}
