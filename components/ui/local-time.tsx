'use client';

import { useSyncExternalStore } from 'react';

const never = () => () => {};
const FORMAT: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' };
const SHORT: Intl.DateTimeFormatOptions = {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
};
const SHORT_OF_OLD: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
};

type Props = {
  ms: number;
  className?: string;
  /** For tables, which name the zone once: without it, and with the year only where it is another one. */
  isShort?: boolean;
};

/** A moment in the reader's own zone, with UTC on hover. The server, which does not know the zone, writes UTC. */
export function LocalTime({ ms, className, isShort = false }: Props) {
  const format = isShort ? shortFormatOf(ms) : FORMAT;
  const text = useSyncExternalStore(
    never,
    () => new Intl.DateTimeFormat(undefined, format).format(ms),
    () => new Intl.DateTimeFormat('en-GB', { ...format, timeZone: 'UTC' }).format(ms),
  );
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={`${iso.slice(0, 19).replace('T', ' ')} UTC`} className={className}>
      {text}
      {isShort ? null : (
        <>
          {' '}
          <ZoneName ms={ms} />
        </>
      )}
    </time>
  );
}

/** What the reader's zone is called at a moment. */
export function ZoneName({ ms }: { ms: number }) {
  const zone = useSyncExternalStore(
    never,
    () => new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(ms).at(-1)?.value ?? '',
    () => 'UTC',
  );
  return <span className="text-ink-3">{zone}</span>;
}

/** By UTC, so that server and browser choose alike. */
function shortFormatOf(ms: number): Intl.DateTimeFormatOptions {
  return new Date(ms).getUTCFullYear() === new Date().getUTCFullYear() ? SHORT : SHORT_OF_OLD;
}
