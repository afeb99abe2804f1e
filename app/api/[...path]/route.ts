import { guardRead } from '@/lib/access/guard';
import { SandkeeperError } from '@/lib/errors';
import { ANYWHERE } from '@/lib/grants';
import { responseOf } from '@/lib/result';

/** Every address below `/api` without a route: 404 as JSON. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer', ANYWHERE);
    throw new SandkeeperError('not_found', 'There is no such route.');
  });
}
