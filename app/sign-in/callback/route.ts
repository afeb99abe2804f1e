import { finishFlow } from '@/lib/access/oidc/handlers';
import { responseOf } from '@/lib/result';

/** Where providers send the browser back. Signs the person in who started the sign-in in this browser. */
export function GET(request: Request): Promise<Response> {
  return responseOf(() => finishFlow(request));
}
