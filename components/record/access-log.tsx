'use client';

import Link from 'next/link';
import { useMemo } from 'react';
import { Notice } from '@/components/ui/notice';
import { Select } from '@/components/ui/select';
import { FilePath, Visible } from '@/components/ui/visible-text';
import {
  type AccessSearch,
  canAccessMatch,
  isAccessNarrowed,
  printAccessSearch,
  WHOLE_ACCESS,
} from '@/lib/access/access-filter';
import type { AccessPage } from '@/lib/access/audit';
import { ACCESS_KINDS, type AccessEntry, type AccessKind } from '@/lib/access/audit-schema';
import { paths } from '@/lib/paths';
import { type FilterProps, LogFrame, type LogKind } from './log-frame';
import { type Column, LogTable, timeColumn } from './log-table';

const KIND: LogKind<AccessSearch> = {
  tab: 'access',
  noun: 'entries',
  unfiltered: WHOLE_ACCESS,
  print: printAccessSearch,
  isFiltered: isAccessNarrowed,
  canMatch: canAccessMatch,
};

type Props = { search: AccessSearch; page: AccessPage; actors: string[]; nowMs: number };

/** The log of all access to the insides of sandboxes, newest first. */
export function AccessLog({ search, page: { entries, older }, actors, nowMs }: Props) {
  const columns = useMemo(() => columnsAt(nowMs), [nowMs]);
  return (
    <LogFrame
      kind={KIND}
      search={search}
      actors={actors}
      isEmpty={entries.length === 0}
      older={older}
      renderFilter={(props) => <KindSelect {...props} />}
      renderTable={(isStale) => (
        <LogTable name="Access" columns={columns} entries={entries} idOf={({ id }) => id} isStale={isStale} />
      )}
      empty={<Empty />}
    />
  );
}

function columnsAt(nowMs: number): readonly Column<AccessEntry>[] {
  return [
    timeColumn(nowMs, ({ atMs }) => atMs),
    {
      id: 'person',
      title: 'Who',
      width: '100px',
      cell: ({ actor }) =>
        actor === null ? (
          <span className="text-ink-3" title="Done automatically by Sandkeeper">
            Sandkeeper
          </span>
        ) : (
          <Visible text={actor} title />
        ),
    },
    {
      id: 'kind',
      title: 'Action',
      width: '170px',
      className: 'font-medium',
      cell: ({ kind }) => KIND_LABELS[kind],
    },
    {
      id: 'sandbox',
      title: 'Sandbox',
      width: '190px',
      className: 'font-mono text-small',
      cell: ({ sandboxId }) => (
        <Link
          href={paths.sandbox(sandboxId)}
          prefetch={false}
          className="text-ink-2 hover:text-ink hover:underline"
        >
          {sandboxId}
        </Link>
      ),
    },
    {
      id: 'path',
      title: 'Path',
      width: 'minmax(220px,3fr)',
      className: 'font-mono text-small',
      cell: ({ path }) => (path === null ? null : <FilePath path={path} className="align-middle" />),
    },
    {
      id: 'detail',
      title: 'Details',
      width: 'minmax(220px,3fr)',
      className: 'text-ink-2',
      cell: ({ detail }) => (detail === null ? null : <Visible text={detail} />),
      tooltip: ({ detail }) => detail,
    },
  ];
}

const KIND_LABELS = {
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
          Every file that is opened, downloaded or uploaded, every search in files and every wake of a paused
          sandbox is recorded here. Entries cannot be edited or deleted.
        </p>
      </Notice>
    </div>
  );
}
