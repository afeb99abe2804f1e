'use client';

import { useRouter } from 'next/navigation';
import { useOptimistic, useTransition } from 'react';
import {
  canMatch,
  isNarrowed,
  type LogSearch,
  printLogSearch,
  WHOLE_LOG,
} from '@/lib/operations/record/log-filter';
import type { LogPage as Page } from '@/lib/operations/record/record';
import { paths } from '@/lib/paths';
import { LogFilters } from './log-filters';
import { LogEmpty, LogNews, LogPaging, NothingMatches } from './log-states';
import { LogTable } from './log-table';
import { RecordTabs } from './record-tabs';
import { useLiveLog } from './use-live-log';

type Props = {
  search: LogSearch;
  page: Page;
  /** Everybody who has started an operation. */
  actors: string[];
  nowMs: number;
};

/** The record of everything that was done to sandboxes from here, newest first. */
export function LogPage({ search, page, actors, nowMs }: Props) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  const [asked, setAsked] = useOptimistic(search);
  const { entries, arrived } = useLiveLog(page, search, nowMs);

  function ask(changes: Partial<LogSearch>) {
    const next = { ...asked, ...changes, before: null };
    startTransition(() => {
      setAsked(next);
      router.push(paths.operations(printLogSearch(next)));
    });
  }

  const address = (changes: Partial<LogSearch>) =>
    paths.operations(printLogSearch({ ...search, ...changes }));
  const isEmpty = entries.length === 0 && !isNarrowed(search) && search.before === null;

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Operations</h1>
      <RecordTabs tab="operations" />
      {isEmpty ? null : <LogFilters search={asked} actors={actors} onAsk={ask} />}
      {arrived > 0 ? (
        <LogNews count={arrived} onShow={() => startTransition(() => router.refresh())} />
      ) : null}
      {entries.length > 0 ? (
        <>
          <LogTable entries={entries} nowMs={nowMs} isStale={isPending} />
          <LogPaging
            newest={search.before === null ? null : address({ before: null })}
            older={page.older === null ? null : address({ before: page.older })}
          />
        </>
      ) : isEmpty ? (
        <LogEmpty />
      ) : (
        <NothingMatches
          what="operations"
          isNoId={search.sandbox !== null && !canMatch({ ...search, by: null })}
          onClear={() => ask(WHOLE_LOG)}
        />
      )}
    </main>
  );
}
