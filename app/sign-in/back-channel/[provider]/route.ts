import { answerLogout } from '@/lib/access/oidc/handlers';
import { responseOf } from '@/lib/result';

type Context = { params: Promise<{ provider: string }> };

/** Where providers send logout tokens, which are signed. No browser comes here. */
export function POST(request: Request, { params }: Context): Promise<Response> {
  return responseOf(async () => answerLogout(request, (await params).provider));
}
