import { guardRead } from '@/lib/access/guard';
import { parseInput } from '@/lib/access/input';
import { packedSnapshot } from '@/lib/fleet/snapshot';
import { fleetWatcher } from '@/lib/fleet/watchers';
import { responseOf } from '@/lib/result';
import { ConnectionName } from '@/lib/sandbox-key';

const FIRST_READING_TIMEOUT_MS = 10_000;

/** The whole fleet of a connection as gzipped JSON, `FleetSnapshot`. Role: viewer. */
export function GET(
  _request: Request,
  { params }: RouteContext<'/api/fleet/[connection]'>,
): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer', params);
    const name = parseInput(ConnectionName, (await params).connection);
    await fleetWatcher(name).ready(FIRST_READING_TIMEOUT_MS);
    return new Response(await packedSnapshot(name), {
      headers: { 'content-type': 'application/gzip', 'cache-control': 'no-store' },
    });
  });
}
