'use client';

import { useSyncExternalStore } from 'react';

const never = () => () => {};
const FORMAT: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' };

/** A moment in the reader's own zone, with UTC on hover. The server, which does not know the zone, writes UTC. */
export function LocalTime({ ms, className }: { ms: number; className?: string }) {
  const text = useSyncExternalStore(
    never,
    () => new Intl.DateTimeFormat(undefined, FORMAT).format(ms),
    () => new Intl.DateTimeFormat('en-GB', { ...FORMAT, timeZone: 'UTC' }).format(ms),
  );
  const zone = useSyncExternalStore(
    never,
    () => new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(ms).at(-1)?.value ?? '',
    () => 'UTC',
  );
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={`${iso.slice(0, 19).replace('T', ' ')} UTC`} className={className}>
      {text} <span className="text-ink-3">{zone}</span>
    </time>
  );
}
