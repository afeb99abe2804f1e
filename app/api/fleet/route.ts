import { guardRead } from '@/lib/access/guard';
import { packedSnapshot } from '@/lib/fleet/snapshot';
import { fleetWatcher } from '@/lib/fleet/watcher';
import { responseOf } from '@/lib/result';

const FIRST_READING_TIMEOUT_MS = 10_000;

/** The whole fleet as gzipped JSON, `FleetSnapshot`. Role: viewer. */
export function GET(): Promise<Response> {
  return responseOf(async () => {
    await guardRead('viewer');
    await fleetWatcher().ready(FIRST_READING_TIMEOUT_MS);
    return new Response(await packedSnapshot(), {
      headers: { 'content-type': 'application/gzip', 'cache-control': 'no-store' },
    });
  });
}
