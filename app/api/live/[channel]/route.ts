import { guardRead } from '@/lib/access/guard';
import { ROLES, roleSuffices } from '@/lib/access/roles';
import { SandkeeperError } from '@/lib/errors';
import { hub } from '@/lib/live/hub';
import { CHANNELS, isKeyed } from '@/lib/live/protocol';
import { responseOf } from '@/lib/result';

const WAIT_MS = 4_000;

/**
 * The events of a live channel without keys, for browsers behind a proxy that does not pass `/live`: `{ events }`. With
 * `wait`, also those of the next seconds. Role: viewer.
 */
export function GET(request: Request, { params }: RouteContext<'/api/live/[channel]'>): Promise<Response> {
  return responseOf(async () => {
    const { id, actor, role } = await guardRead('viewer');
    const { channel: named } = await params;
    const channel = CHANNELS.find((known) => known === named && !isKeyed(known));
    if (channel === undefined) throw new SandkeeperError('not_found', 'There is no such channel to poll.');
    const session = {
      sessionId: id,
      actor,
      isAtLeast: (wanted: string) => ROLES.some((known) => known === wanted && roleSuffices(role, known)),
    };
    const waitMs = new URL(request.url).searchParams.has('wait') ? WAIT_MS : 0;
    const events = await hub().poll(channel, session, waitMs, request.signal);
    return Response.json({ events }, { headers: { 'cache-control': 'no-store' } });
  });
}
