import { guardRead } from '@/lib/access/guard';
import { endWithSession } from '@/lib/access/held-work';
import { liveSessionOf } from '@/lib/channels';
import { SandkeeperError } from '@/lib/errors';
import { ANYWHERE } from '@/lib/grants';
import { joinSignals } from '@/lib/joined-signal';
import { hub } from '@/lib/live/hub';
import { MAX_POLLED_TOPICS, parsePolledTopic } from '@/lib/live/protocol';
import { responseOf } from '@/lib/result';

const WAIT_MS = 4_000;

/**
 * The events of live topics, for browsers behind a proxy that does not pass `/live`: `{ events: PolledEvent[] }`. One
 * `topic` per topic, as its channel and its key; those that cannot be polled are left out. With `wait`, also the events of
 * the next seconds. Role: viewer.
 */
export function GET(request: Request): Promise<Response> {
  return responseOf(async () => {
    const caller = await guardRead('viewer', ANYWHERE, { isUse: false });
    const { searchParams } = new URL(request.url);
    const named = searchParams.getAll('topic').slice(0, MAX_POLLED_TOPICS);
    const topics = named.flatMap((text) => parsePolledTopic(text) ?? []);
    if (topics.length === 0) throw new SandkeeperError('not_found', 'There is no such channel to poll.');
    const waitMs = searchParams.has('wait') ? WAIT_MS : null;
    const ended = new AbortController();
    const letGo = endWithSession({
      caller,
      role: 'viewer',
      scope: ANYWHERE,
      end: (reason) => ended.abort(reason),
    });
    const { signal, release } = joinSignals([request.signal, ended.signal]);
    const events = await hub()
      .poll(topics, liveSessionOf(caller), waitMs, signal)
      .finally(() => {
        letGo();
        release();
      });
    ended.signal.throwIfAborted();
    return Response.json({ events }, { headers: { 'cache-control': 'no-store' } });
  });
}
