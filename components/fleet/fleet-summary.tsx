'use client';

import { useLiveState } from '@/components/data/use-fleet';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import type { ShownConnection } from '@/lib/connection';
import { currencyOf, statusWords } from '@/lib/fleet/status-words';
import type { LiveState } from '@/lib/live/socket';
import { ConnectionSwitcher } from './connection-switcher';
import { LimitBar } from './limit-bar';
import { type ListedConnection, type ServedSummary, useListed, useNarrowed } from './use-listed';

type Props = { initial: ServedSummary };

/**
 * The number of sandboxes, the share of the limit in use, and the age of the data: of all connections, or of those that
 * the filter of the page leaves.
 */
export function FleetSummary({ initial }: Props) {
  const listed = useListed(initial);
  const names = useNarrowed(listed);
  const shown = listed.filter(({ name }) => names.includes(name));
  const [only, ...others] = shown;
  const maxRunning = only !== undefined && others.length === 0 ? only.status.maxRunning : null;
  const running = shown.reduce((sum, { counts }) => sum + counts.running, 0);
  const paused = shown.reduce((sum, { counts }) => sum + counts.paused, 0);
  const current = useCurrency(shown, initial.nowMs);
  const line = <Freshness name={nameOf(shown)} {...current} />;
  return (
    <div className="flex min-w-0 items-center gap-4 whitespace-nowrap text-ink-2">
      <span className="hidden sm:inline">
        {running} running · {paused} paused
      </span>
      {maxRunning === null ? null : (
        <LimitBar running={running} max={maxRunning} className="hidden lg:flex" />
      )}
      {listed.length < 2 ? (
        line
      ) : (
        <ConnectionSwitcher
          listed={listed}
          chosen={others.length === 0 ? (only?.name ?? null) : null}
          isWhole={shown.length === listed.length}
          nowMs={initial.nowMs}
        >
          {line}
        </ConnectionSwitcher>
      )}
    </div>
  );
}

/** The service, or the number of connections. */
function nameOf([first, ...others]: readonly ShownConnection[]): string {
  if (first === undefined) return 'No connection';
  if (others.length > 0) return `${others.length + 1} connections`;
  return first.title;
}

/** Replaces the age while the page is cut off. A page that polls has fresh data. */
const LOST_WORDS = {
  connecting: null,
  open: null,
  waiting: 'reconnecting…',
  offline: 'offline',
  blocked: null,
} satisfies Record<LiveState, string | null>;

type Current = { words: string; isStale: boolean };

function useCurrency(shown: readonly ListedConnection[], nowMs: number): Current {
  const lost = LOST_WORDS[useLiveState()];
  // As one text, so that it is drawn again only when it changes.
  const text = useNow((now) => JSON.stringify(currencyAt(shown, now)), nowMs);
  const current = JSON.parse(text) as Current;
  return lost === null ? current : { words: lost, isStale: true };
}

/** The words of the only connection, of the only one that is not current, or of all together. */
function currencyAt(shown: readonly ListedConnection[], nowMs: number): Current {
  const [first, ...others] = shown;
  if (first === undefined) return { words: '', isStale: true };
  const wordsOf = ({ status }: ListedConnection) => statusWords(status, nowMs, formatDuration);
  const isStale = ({ status }: ListedConnection) => ['old', 'failing'].includes(currencyOf(status, nowMs));
  const stale = shown.filter(isStale);
  const [worst, another] = stale;
  if (others.length === 0) return { words: wordsOf(first), isStale: stale.length > 0 };
  if (another !== undefined) return { words: `${stale.length} not current`, isStale: true };
  if (worst !== undefined) return { words: `${worst.title}: ${wordsOf(worst)}`, isStale: true };
  const loading = shown.find(({ status }) => status.asOfMs === null);
  if (loading !== undefined) return { words: `${loading.title}: loading…`, isStale: false };
  const oldest = shown.reduce((a, b) => ((a.status.asOfMs ?? 0) <= (b.status.asOfMs ?? 0) ? a : b));
  return { words: wordsOf(oldest), isStale: false };
}

function Freshness({ name, words, isStale }: Current & { name: string }) {
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <span aria-hidden className={`size-2 shrink-0 rounded-full ${isStale ? 'bg-paused' : 'bg-running'}`} />
      <span className="truncate text-ink">{name}</span>
      <span className="hidden truncate md:inline">{words}</span>
    </span>
  );
}
