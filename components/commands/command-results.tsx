'use client';

import { useQuery } from '@tanstack/react-query';
import { clsx } from 'clsx';
import { useState } from 'react';
import { Queries } from '@/components/data/queries';
import { sandboxCount } from '@/components/operations/outcome';
import { Button } from '@/components/ui/button';
import { formatBytes } from '@/components/ui/bytes';
import { Visible } from '@/components/ui/visible-text';
import { type Preview, previewOf } from '@/lib/commands/excerpt';
import { commandGroupsQuery } from '@/lib/commands/queries';
import type { ResultGroup } from '@/lib/commands/schema';
import { type Operation, totalsOf } from '@/lib/operations/schema';
import { CommandBadge } from './command-badge';
import { GroupDetail } from './group-detail';

/** The results of a command, grouped, largest group first. */
export function CommandResults({ operation }: { operation: Operation }) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <Queries>
        <Groups operation={operation} />
      </Queries>
    </div>
  );
}

const PAGE_SIZE = 50;

function Groups({ operation }: { operation: Operation }) {
  const isRunning = operation.state === 'running';
  const query = useQuery(commandGroupsQuery(operation.id, isRunning));
  const [maxShown, setMaxShown] = useState(PAGE_SIZE);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  if (query.data === undefined)
    return query.isError ? (
      <p role="status" className="flex items-center gap-3 px-5 py-3 text-ink-2">
        Could not load the results. <Button onClick={() => void query.refetch()}>Try again</Button>
      </p>
    ) : (
      <div aria-busy="true" className="m-5 h-24 animate-pulse rounded-md border border-line bg-surface" />
    );
  const groups = query.data;
  const { total, final } = totalsOf(operation.counts);
  const largest = groups.find(({ wasStarted }) => wasStarted);
  return (
    <>
      {query.isError ? (
        <p role="status" className="px-5 py-2 text-ink-2">
          Could not load the latest results. Retrying…
        </p>
      ) : null}
      {groups.length === 0 ? (
        <p className="px-5 py-3 text-ink-2">{isRunning ? 'No results yet' : 'No results'}</p>
      ) : (
        <ul aria-label="Results">
          {groups.slice(0, maxShown).map((group) => (
            <Group
              key={group.key}
              operationId={operation.id}
              group={group}
              total={total}
              largest={group === largest ? null : (largest ?? null)}
              isOpen={open.has(group.key) || groups.length === 1}
              onToggle={() =>
                setOpen((before) => {
                  const next = new Set(before);
                  if (!next.delete(group.key)) next.add(group.key);
                  return next;
                })
              }
            />
          ))}
        </ul>
      )}
      {groups.length > maxShown ? (
        <div className="px-5 py-3">
          <Button onClick={() => setMaxShown((before) => before + PAGE_SIZE)}>
            Show {Math.min(PAGE_SIZE, groups.length - maxShown)} more of {groups.length} results
          </Button>
        </div>
      ) : null}
      {isRunning && final < total ? (
        <p className="px-5 py-3 text-ink-2">{sandboxCount(total - final)} still running or waiting</p>
      ) : null}
    </>
  );
}

type GroupProps = {
  operationId: string;
  group: ResultGroup;
  total: number;
  /** The largest group; `null` if it is this one. */
  largest: ResultGroup | null;
  isOpen: boolean;
  onToggle: () => void;
};

function Group({ operationId, group, total, largest, isOpen, onToggle }: GroupProps) {
  const { sandboxKeys, excerpt, message, wasStarted, ending } = group;
  const preview = previewOf(excerpt);
  const saysMessage = ending !== 'exited' && message !== null;
  return (
    <li className="border-line-soft border-b">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={onToggle}
        className="grid w-full grid-cols-[14px_auto_minmax(0,1fr)] items-center gap-x-4 gap-y-1 px-5 py-2 text-left hover:bg-hover md:grid-cols-[14px_130px_150px_minmax(0,1fr)]"
      >
        <span
          aria-hidden
          className={clsx('icon icon-chevron text-ink-3 transition-transform', isOpen && 'rotate-90')}
        />
        <span className="font-medium">
          {sandboxCount(sandboxKeys.length)}
          <span className="sr-only"> of {total}</span>
        </span>
        <CommandBadge {...group} hasStderr={excerpt.stderrBytes > 0} />
        <span
          translate="no"
          className="flex min-w-0 font-mono text-ink-2 text-small max-md:col-span-3 max-md:pl-8"
        >
          {isOpen && wasStarted && !saysMessage ? null : saysMessage ? (
            <Visible text={message ?? ''} className="truncate font-sans" />
          ) : preview === null ? (
            <span className="font-sans text-ink-3">{wasStarted ? 'no output' : ''}</span>
          ) : (
            <PreviewLine preview={preview} />
          )}
        </span>
      </button>
      {isOpen ? <GroupDetail operationId={operationId} group={group} largest={largest} /> : null}
    </li>
  );
}

function PreviewLine({ preview: { name, lines, leftOutBytes } }: { preview: Preview }) {
  return (
    <>
      {name === 'stderr' ? <span className="mr-2 font-sans text-ink-3">stderr</span> : null}
      <Visible text={lines.join(' ⏎ ')} className="min-w-0 truncate" />
      {leftOutBytes > 0 ? (
        <span className="ml-1 shrink-0 font-sans text-ink-3">… {formatBytes(leftOutBytes)} more</span>
      ) : null}
    </>
  );
}
