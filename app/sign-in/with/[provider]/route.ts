import { startFlow } from '@/lib/access/oidc/handlers';
import { responseOf } from '@/lib/result';

type Context = { params: Promise<{ provider: string }> };

/** Sends the browser to a provider to sign in. Requires no session. */
export function GET(request: Request, { params }: Context): Promise<Response> {
  return responseOf(async () => startFlow(request, (await params).provider));
}
