'use client';

import Link from 'next/link';
import { useState } from 'react';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { LocalTime } from '@/components/ui/local-time';
import { type Column, LogTable } from '@/components/ui/log-table';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { SettingsHeading } from '@/components/ui/settings-heading';
import { Visible } from '@/components/ui/visible-text';
import { KIND_TITLES } from '@/lib/connection';
import { paths } from '@/lib/paths';
import type { ConnectionFacts } from '@/lib/settings/connection-facts';
import { ConnectionBadge, ConnectionLabel, currentProblem, keyText, SOURCE_NAMES } from './connection-badge';
import { ConnectionDialog } from './connection-dialog';
import { useLiveFacts } from './use-live-facts';

/** All connections of this installation, for admins. */
export function ConnectionsPage({ facts }: { facts: readonly ConnectionFacts[] }) {
  const entries = useLiveFacts(facts);
  const refresh = useRefresh();
  const [adding, setAdding] = useState({ isOpen: false, count: 0 });
  const close = () => setAdding(({ count }) => ({ isOpen: false, count }));
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <SettingsHeading above="Settings" title="Connections">
        <Button tone="primary" onClick={() => setAdding(({ count }) => ({ isOpen: true, count: count + 1 }))}>
          Add connection…
        </Button>
      </SettingsHeading>
      <PanelBoundary what="connections">
        <LogTable
          name="Connections"
          columns={COLUMNS}
          entries={entries}
          idOf={({ name }) => name}
          hrefOf={({ name }) => paths.connection(name)}
          isStale={false}
        />
      </PanelBoundary>
      <ConnectionDialog
        key={adding.count}
        open={adding.isOpen}
        connection={null}
        onClose={close}
        onSaved={refresh}
      />
    </main>
  );
}

/** Names a value on a narrow screen, where the header of its column is not in sight. */
function Named({ name }: { name: string }) {
  return <span className="text-ink-3 md:hidden">{name} </span>;
}

const COLUMNS: readonly Column<ConnectionFacts>[] = [
  {
    id: 'name',
    title: 'Connection',
    width: 'minmax(160px,2fr)',
    className: 'font-medium',
    cell: ({ name, title, label }) => (
      <span className="inline-flex max-w-full items-center gap-2 align-middle">
        <Link href={paths.connection(name)} className="truncate hover:underline">
          <Visible text={title} title />
        </Link>
        {title === name ? null : (
          <span translate="no" className="truncate font-mono text-ink-3 text-small">
            {name}
          </span>
        )}
        <ConnectionLabel label={label} />
      </span>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: 'minmax(130px,1.5fr)',
    tooltip: currentProblem,
    cell: (facts) => {
      const problem = currentProblem(facts);
      return (
        <>
          <ConnectionBadge state={facts.state} />
          {problem === null ? null : (
            <span className="ml-2 text-ink-2 text-small">
              <Visible text={problem} />
            </span>
          )}
        </>
      );
    },
  },
  { id: 'kind', title: 'Kind', width: '120px', cell: ({ kind }) => KIND_TITLES[kind] },
  {
    id: 'host',
    title: 'Host',
    width: 'minmax(120px,1.5fr)',
    className: 'text-ink-2',
    cell: ({ host }) => <Visible text={host} title />,
  },
  {
    id: 'key',
    title: 'Key',
    width: '96px',
    className: 'font-mono text-small',
    tooltip: keyText,
    cell: (facts) => (
      <>
        <Named name="Key" />
        {keyText(facts)}
      </>
    ),
  },
  {
    id: 'sandboxes',
    title: 'Sandboxes',
    width: '80px',
    className: 'tabular-nums',
    cell: ({ sandboxes }) =>
      sandboxes === null ? null : (
        <>
          <Named name="Sandboxes" />
          {sandboxes.toLocaleString('en')}
        </>
      ),
  },
  {
    id: 'read',
    title: 'Last used',
    width: '128px',
    className: 'text-ink-2',
    cell: ({ lastReadAtMs }) =>
      lastReadAtMs === null ? null : (
        <>
          <Named name="Last used" />
          <LocalTime ms={lastReadAtMs} isShort />
        </>
      ),
  },
  {
    id: 'source',
    title: 'Source',
    width: 'minmax(210px,2fr)',
    className: 'text-ink-2',
    tooltip: ({ declaredIn }) => declaredIn,
    cell: ({ source, declaredIn, createdBy, createdAtMs }) => (
      <>
        {SOURCE_NAMES[source]}
        {declaredIn === null ? null : <span className="ml-1.5 text-ink-3">{declaredIn}</span>}
        {createdBy === null ? null : (
          <>
            {', by '}
            <Visible text={createdBy} />
          </>
        )}
        {createdAtMs === null ? null : (
          <>
            {', '}
            <LocalTime ms={createdAtMs} isShort />
          </>
        )}
      </>
    ),
  },
];
