import { guardRead } from '@/lib/access/guard';
import { ROLES, roleSuffices } from '@/lib/access/roles';
import { SandkeeperError } from '@/lib/errors';
import { hub } from '@/lib/live/hub';
import { polledTopic } from '@/lib/live/protocol';
import { responseOf } from '@/lib/result';

const WAIT_MS = 4_000;

/**
 * The events of a live channel, of its `key` if it has keys, for browsers behind a proxy that does not pass `/live`:
 * `{ events }`. With `wait`, also those of the next seconds. Role: viewer.
 */
export function GET(request: Request, { params }: RouteContext<'/api/live/[channel]'>): Promise<Response> {
  return responseOf(async () => {
    const { id, actor, role } = await guardRead('viewer');
    const { channel } = await params;
    const { searchParams } = new URL(request.url);
    const topic = polledTopic(channel, searchParams.get('key'));
    if (topic === null) throw new SandkeeperError('not_found', 'There is no such channel to poll.');
    const session = {
      sessionId: id,
      actor,
      isAtLeast: (wanted: string) => ROLES.some((known) => known === wanted && roleSuffices(role, known)),
    };
    const waitMs = searchParams.has('wait') ? WAIT_MS : null;
    const events = await hub().poll(topic, session, waitMs, request.signal);
    return Response.json({ events }, { headers: { 'cache-control': 'no-store' } });
  });
}
