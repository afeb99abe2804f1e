'use client';

import { tabClock } from '@/lib/live/server-clock';

const DAY_MS = 24 * 60 * 60 * 1_000;

// Created once: formatters are slow and every row needs one.
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});
const OLD = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

/** A modification time, with seconds within a day. Uses the browser's locale and time zone. */
export function FileTime({ ms }: { ms: number }) {
  if (!Number.isFinite(ms)) return '–';
  const ageMs = tabClock.at(Date.now()) - ms;
  const format = Math.abs(ageMs) < DAY_MS ? TIME : Math.abs(ageMs) < 300 * DAY_MS ? DAY : OLD;
  const iso = new Date(ms).toISOString();
  return (
    <time dateTime={iso} title={`${WHOLE.format(ms)} (${iso.replace('T', ' ').replace(/\.\d+Z$/, '')} UTC)`}>
      {format.format(ms)}
    </time>
  );
}
