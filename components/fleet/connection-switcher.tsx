'use client';

import { type ReactNode, useState } from 'react';
import { useNarrow } from '@/components/data/use-connections';
import { ConnectionDot } from '@/components/sandbox/connection-name';
import { useNow } from '@/components/ui/clock';
import { formatDuration } from '@/components/ui/duration';
import { LazyMenu } from '@/components/ui/floating';
import { currencyOf, statusWords } from '@/lib/fleet/status-words';
import type { ConnectionName } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';
import { LimitBar } from './limit-bar';
import type { ListedConnection } from './use-listed';

type Props = {
  listed: readonly ListedConnection[];
  /** The only connection that the filter leaves, or `null`. */
  chosen: ConnectionName | null;
  /** Whether the filter leaves all connections. */
  isWhole: boolean;
  nowMs: number;
  /** How current the list is. */
  children: ReactNode;
};

/** Narrows the fleet to one connection, and shows the state of each. */
export function ConnectionSwitcher({ listed, chosen, isWhole, nowMs, children }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const narrow = useNarrow();
  const total = listed.reduce((sum, { counts }) => sum + counts.total, 0);
  return (
    <>
      <button
        type="button"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onPointerEnter={LazyMenu.preload}
        onFocus={LazyMenu.preload}
        onClick={(event) => setAnchor(event.currentTarget)}
        className="-mx-2 flex h-8 min-w-0 items-center gap-1 rounded-md px-2 hover:bg-hover aria-expanded:bg-hover"
      >
        <span className="sr-only">Connections: </span>
        {children}
        <span aria-hidden className="icon icon-chevron ml-0.5 size-3! shrink-0 rotate-90 text-ink-3" />
      </button>
      <LazyMenu
        anchor={anchor}
        onClose={() => setAnchor(null)}
        acts={[
          {
            label: 'All connections',
            end: <Count count={total} />,
            isChosen: isWhole,
            onActivate: () => narrow(null),
          },
          ...listed.map((connection, at) => ({
            label: visibleText(connection.title),
            start: <ConnectionDot name={connection.name} among={listed} />,
            end: <Count count={connection.counts.total} />,
            detail: <Detail connection={connection} nowMs={nowMs} />,
            isChosen: connection.name === chosen,
            separated: at === 0,
            onActivate: () => narrow(connection.name),
          })),
        ]}
      />
    </>
  );
}

function Count({ count }: { count: number }) {
  return <span className="shrink-0 text-ink-3 tabular-nums">{count}</span>;
}

/** What is known of a connection, below its title. */
function Detail({ connection, nowMs }: { connection: ListedConnection; nowMs: number }) {
  const { status, counts } = connection;
  const words = useNow((now) => statusWords(status, now, formatDuration), nowMs);
  const isStale = useNow((now) => ['old', 'failing'].includes(currencyOf(status, now)), nowMs);
  return (
    <span className="flex flex-wrap items-center gap-x-3 pl-4 text-small">
      <span className={isStale ? 'text-paused' : 'text-ink-3'}>{words}</span>
      {status.maxRunning === null ? null : (
        <LimitBar running={counts.running} max={status.maxRunning} className="flex text-ink-3" />
      )}
    </span>
  );
}
