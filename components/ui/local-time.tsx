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
const SHORT_WITH_YEAR: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
};

type Props = {
  ms: number;
  className?: string;
  /** Without the time zone, and with the year only if it is not the current one. For tables, which name the zone once. */
  isShort?: boolean;
};

/** A time in the browser's time zone, with UTC on hover. The server renders UTC. */
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

/** The name of the browser's time zone at a given time. */
export function ZoneName({ ms }: { ms: number }) {
  const zone = useSyncExternalStore(
    never,
    () => new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts(ms).at(-1)?.value ?? '',
    () => 'UTC',
  );
  return <span className="text-ink-3">{zone}</span>;
}

/** Compares years in UTC, so that server and browser choose the same format. */
function shortFormatOf(ms: number): Intl.DateTimeFormatOptions {
  return new Date(ms).getUTCFullYear() === new Date().getUTCFullYear() ? SHORT : SHORT_WITH_YEAR;
}
