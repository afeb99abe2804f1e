import 'server-only';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { perConnection } from '../connections/per-connection';
import type { ConnectionName } from '../sandbox-key';
import { fleetWatcher } from './watchers';

type Packed = { version: string; body: Promise<Uint8Array<ArrayBuffer>> };

const caches = perConnection<{ packed: Packed | null }>('packed-snapshot', {
  create: () => ({ packed: null }),
  close: () => {},
});

/**
 * The whole fleet of a connection as gzipped JSON, `FleetSnapshot`. Packed once for all clients until it changes. Next.js does
 * not compress the responses of routes and drops `Content-Encoding`, so the browser decompresses it explicitly.
 */
export function packedSnapshot(name: ConnectionName): Promise<Uint8Array<ArrayBuffer>> {
  const cache = caches.get(name);
  const snapshot = fleetWatcher(name).snapshot();
  // `asOfMs` alone is no reason to pack again: clients get it from the channel.
  const { asOfMs, ...status } = snapshot.status;
  const version = JSON.stringify([snapshot.epoch, snapshot.seq, asOfMs === null, status]);
  if (cache.packed?.version !== version) {
    cache.packed = { version, body: pack(JSON.stringify(snapshot)) };
  }
  return cache.packed.body;
}

async function pack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = await promisify(gzip)(text, { level: constants.Z_BEST_SPEED });
  return new Uint8Array(packed);
}
