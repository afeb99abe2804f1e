import { guardRead } from '@/lib/access/guard';
import { packedSnapshot } from '@/lib/fleet/snapshot';
import { fleetWatcher } from '@/lib/fleet/watcher';
import { responseOf } from '@/lib/result';

const PATIENCE_MS = 10_000;

/** The whole fleet, gzipped JSON of `FleetSnapshot`. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    await fleetWatcher().ready(PATIENCE_MS);
    return new Response(await packedSnapshot(), {
      headers: { 'content-type': 'application/gzip', 'cache-control': 'no-store' },
    });
  });
}
