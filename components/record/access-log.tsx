'use client';

import { clsx } from 'clsx';
import Link from 'next/link';
import { useCallback, useMemo, useState } from 'react';
import { useNamesConnections } from '@/components/data/use-connections';
import { SandboxName } from '@/components/sandbox/connection-name';
import { formatBytes } from '@/components/ui/bytes';
import { type Column, LogTable, timeColumn } from '@/components/ui/log-table';
import { Notice } from '@/components/ui/notice';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Select } from '@/components/ui/select';
import { FilePath, Visible } from '@/components/ui/visible-text';
import {
  type AccessSearch,
  canAccessMatch,
  isAccessNarrowed,
  printAccessSearch,
  WHOLE_ACCESS,
} from '@/lib/access/access-filter';
import type { AccessGroups } from '@/lib/access/audit';
import { ACCESS_KINDS, type AccessEntry, type AccessGroup, type AccessKind } from '@/lib/access/audit-schema';
import { paths } from '@/lib/paths';
import { type FilterProps, LogFrame, type LogKind } from './log-frame';

const KIND: LogKind<AccessSearch> = {
  tab: 'access',
  noun: 'entries',
  unfiltered: WHOLE_ACCESS,
  print: printAccessSearch,
  isFiltered: isAccessNarrowed,
  canMatch: canAccessMatch,
};

const DOWNLOADS = [
  { format: 'csv', name: 'CSV' },
  { format: 'jsonl', name: 'JSON' },
] as const;

type Props = { search: AccessSearch; page: AccessGroups; actors: string[]; nowMs: number };

/** The log of all access to the insides of sandboxes, newest first. What one operation did is one row, which opens. */
export function AccessLog({ search, page: { groups, older }, actors, nowMs }: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = useCallback(
    (id: string) =>
      setOpen((before) => {
        const next = new Set(before);
        if (!next.delete(id)) next.add(id);
        return next;
      }),
    [],
  );
  const isNamed = useNamesConnections();
  const columns = useMemo(() => columnsAt(nowMs, toggle, isNamed), [nowMs, toggle, isNamed]);
  const rows = useMemo(() => groups.flatMap((group) => rowsOf(group, open.has(group.id))), [groups, open]);
  return (
    <LogFrame
      kind={KIND}
      search={search}
      actors={actors}
      isEmpty={groups.length === 0}
      older={older}
      renderFilter={(props) => <KindSelect {...props} />}
      renderEnd={(shown) => (
        <span className="ml-auto flex gap-4 whitespace-nowrap">
          {DOWNLOADS.map(({ format, name }) => (
            <a
              key={format}
              href={`/api/access?${printAccessSearch({ ...shown, before: null })}&format=${format}`}
              download
              className="rounded-sm text-accent underline"
            >
              Download {name}
            </a>
          ))}
        </span>
      )}
      renderTable={(isStale) => (
        <PanelBoundary what="access log">
          <LogTable
            name="Access"
            columns={columns}
            entries={rows}
            idOf={({ key }) => key}
            isStale={isStale}
          />
        </PanelBoundary>
      )}
      empty={<Empty />}
    />
  );
}

/** `entry`: one access; `isPart`: below the row of its operation. `group`: the row of an operation. */
export type AccessRow = { key: string } & (
  | { kind: 'entry'; entry: AccessEntry; isPart: boolean }
  | { kind: 'group'; group: AccessGroup; isOpen: boolean }
);

function rowsOf(group: AccessGroup, isOpen: boolean): AccessRow[] {
  const [first] = group.entries;
  if (group.entryCount === 1 && first) return [{ key: first.id, kind: 'entry', entry: first, isPart: false }];
  const parts = isOpen
    ? group.entries.map((entry) => ({ key: entry.id, kind: 'entry' as const, entry, isPart: true }))
    : [];
  return [{ key: `group ${group.id}`, kind: 'group', group, isOpen }, ...parts];
}

/** An operation is named after what it was for, not after waking the sandbox for it. */
function mainKindOf({ kinds }: AccessGroup): AccessKind {
  const [first] = kinds;
  return kinds.find(({ kind }) => kind === 'exported')?.kind ?? first?.kind ?? 'exported';
}

function columnsAt(
  nowMs: number,
  onToggle: (id: string) => void,
  namesConnections: boolean,
): readonly Column<AccessRow>[] {
  return [
    timeColumn(nowMs, (row) => (row.kind === 'entry' ? row.entry.atMs : row.group.atMs)),
    {
      id: 'person',
      title: 'Who',
      width: '100px',
      cell: (row) =>
        row.kind === 'entry' && row.entry.kind === 'sign-in-refused' && row.entry.actor === null ? (
          <span className="text-ink-3">Unknown</span>
        ) : (
          <Person actor={row.kind === 'entry' ? row.entry.actor : row.group.actor} />
        ),
    },
    {
      id: 'kind',
      title: 'Action',
      width: '216px',
      className: 'font-medium',
      cell: (row) =>
        row.kind === 'entry' ? (
          <span className={clsx(row.isPart && 'font-normal md:pl-5')}>{KIND_LABELS[row.entry.kind]}</span>
        ) : (
          <button
            type="button"
            aria-expanded={row.isOpen}
            onClick={() => onToggle(row.group.id)}
            className="-mx-1 max-w-full truncate rounded-sm px-1 hover:bg-hover"
          >
            <span
              aria-hidden
              className={clsx(
                'icon icon-chevron mr-1.5 text-ink-3 transition-transform',
                row.isOpen && 'rotate-90',
              )}
            />
            {KIND_LABELS[mainKindOf(row.group)]}
          </button>
        ),
    },
    {
      id: 'sandbox',
      title: 'Sandbox',
      width: namesConnections ? '260px' : '180px',
      className: 'font-mono text-small',
      cell: (row) => <SandboxCell row={row} />,
    },
    {
      id: 'path',
      title: 'Path',
      width: 'minmax(120px,2fr)',
      className: 'font-mono text-small',
      cell: (row) => {
        const path =
          row.kind === 'entry'
            ? row.entry.path
            : (row.group.entries.find(({ kind }) => kind === mainKindOf(row.group))?.path ?? null);
        return path === null ? null : <FilePath path={path} className="align-middle" />;
      },
    },
    {
      id: 'detail',
      title: 'Details',
      width: 'minmax(200px,3fr)',
      className: 'text-ink-2',
      cell: (row) =>
        row.kind === 'entry' ? <Detail entry={row.entry} /> : <GroupDetail group={row.group} />,
      tooltip: (row) => (row.kind === 'entry' ? row.entry.detail : null),
    },
  ];
}

function Person({ actor }: { actor: string | null }) {
  return actor === null ? (
    <span className="text-ink-3" title="Done automatically by Sandkeeper">
      Sandkeeper
    </span>
  ) : (
    <Visible text={actor} title />
  );
}

function SandboxCell({ row }: { row: AccessRow }) {
  const entry = row.kind === 'entry' ? row.entry : row.group.entries[0];
  if (row.kind === 'group' && row.group.sandboxCount > 1) return <ManySandboxes group={row.group} />;
  if (!entry) return null;
  if (entry.sandboxKey === null) return <span>{entry.connection}</span>;
  return (
    <Link
      href={paths.sandbox(entry.sandboxKey)}
      prefetch={false}
      className="text-ink-2 hover:text-ink hover:underline"
    >
      <SandboxName sandboxKey={entry.sandboxKey} />
    </Link>
  );
}

function ManySandboxes({ group: { sandboxCount, entries, entryCount } }: { group: AccessGroup }) {
  const isNamed = useNamesConnections();
  const names = [...new Set(entries.flatMap(({ connection }) => connection ?? []))].sort();
  return (
    <span className="font-sans text-body">
      {sandboxCount} sandboxes
      {isNamed && names.length > 0 ? (
        <span className="text-ink-2">
          {' '}
          in {names.join(', ')}
          {entries.length < entryCount ? '…' : null}
        </span>
      ) : null}
    </span>
  );
}

function Detail({ entry }: { entry: AccessEntry }) {
  const text = detailText(entry);
  return text === null ? null : <Visible text={text} />;
}

/** Kinds whose details are our own words, with sizes in bytes. */
const HAS_SIZE: ReadonlySet<AccessKind> = new Set(['exported', 'upload-cleared']);

/** The details of an entry, with sizes in units. */
function detailText({ kind, detail }: Pick<AccessEntry, 'kind' | 'detail'>): string | null {
  if (detail === null || !HAS_SIZE.has(kind)) return detail;
  return detail.replace(/\b(\d+) bytes\b/, (_, bytes: string) => formatBytes(Number(bytes)));
}

function GroupDetail({ group: { kinds, entries, entryCount, request } }: { group: AccessGroup }) {
  return (
    <>
      {request === null ? null : (
        <>
          <Link href={paths.operation(request)} prefetch={false} className="text-accent hover:underline">
            View operation
          </Link>
          :{' '}
        </>
      )}
      {kinds.map(({ kind, count }) => `${count} × ${KIND_LABELS[kind].toLowerCase()}`).join(', ')}
      {entries.length < entryCount ? `; opens to the newest ${entries.length}` : null}
    </>
  );
}

const KIND_LABELS = {
  'signed-in': 'Signed in',
  'sign-in-refused': 'Sign-in refused',
  'signed-out': 'Signed out',
  'session-ended': 'Ended a session',
  'person-renamed': 'Renamed a person',
  'file-opened': 'Opened a file',
  'file-downloaded': 'Downloaded a file',
  'archive-downloaded': 'Downloaded an archive',
  'archive-failed': 'Archive download failed',
  'file-uploaded': 'Uploaded a file',
  'upload-cleared': 'Removed an unfinished upload',
  'file-edited': 'Edited a file',
  'folder-created': 'Created a folder',
  'file-renamed': 'Renamed',
  'file-deleted': 'Deleted',
  searched: 'Searched',
  exported: 'Archived files before a kill',
  'review-woken': 'Woke sandbox',
  'review-joined': 'Joined wake',
  'review-left': 'Left wake',
  'review-extended': 'Extended wake',
  'review-paused': 'Paused again',
  'review-ended': 'Wake ended',
  'console-opened': 'Opened a console',
  'console-watched': 'Watched a console',
  'console-taken-over': 'Took over a console',
  'console-closed': 'Ended a console',
  'processes-read': 'Listed all processes',
  'process-attached': 'Attached to a process',
  'process-signalled': 'Signalled a process',
  'connection-tested': 'Tested a connection',
  'connection-added': 'Added a connection',
  'connection-edited': 'Edited a connection',
  'connection-key-replaced': 'Replaced an API key',
  'connection-disabled': 'Disabled a connection',
  'connection-enabled': 'Enabled a connection',
  'connection-removed': 'Removed a connection',
} satisfies Record<AccessKind, string>;

function KindSelect({ search, onFilter }: FilterProps<AccessSearch>) {
  return (
    <Select
      label="Action"
      value={search.kind ?? ''}
      options={[
        { value: '', label: 'All actions' },
        ...ACCESS_KINDS.map((kind) => ({ value: kind, label: KIND_LABELS[kind] })),
      ]}
      onChange={(kind) => onFilter({ kind: kind || null })}
    />
  );
}

function Empty() {
  return (
    <div className="flex flex-col items-center px-5 pt-[10vh]">
      <Notice level="h2" title="No access yet">
        <p>
          Every file that is opened, transferred or changed, every search, console, process signal and wake,
          and every change of a connection is recorded here. Entries cannot be edited or deleted.
        </p>
      </Notice>
    </div>
  );
}
