'use client';

import { useRouter } from 'next/navigation';
import { useOptimistic, useTransition } from 'react';
import { Notice } from '@/components/ui/notice';
import {
  type AccessSearch,
  canAccessMatch,
  isAccessNarrowed,
  printAccessSearch,
  WHOLE_ACCESS,
} from '@/lib/access/access-filter';
import type { AccessPage as Page } from '@/lib/access/audit';
import { paths } from '@/lib/paths';
import { AccessFilters } from './access-filters';
import { AccessTable } from './access-table';
import { LogPaging, NothingMatches } from './log-states';
import { RecordTabs } from './record-tabs';

type Props = {
  search: AccessSearch;
  page: Page;
  /** Everybody who stands in the record. */
  actors: string[];
  nowMs: number;
};

/** The record of who looked into sandboxes, newest first. */
export function AccessPage({ search, page: { entries, older }, actors, nowMs }: Props) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  const [asked, setAsked] = useOptimistic(search);
  const address = (changes: Partial<AccessSearch>) =>
    paths.access(printAccessSearch({ ...search, ...changes }));

  function ask(changes: Partial<AccessSearch>) {
    const next = { ...asked, ...changes, before: null };
    startTransition(() => {
      setAsked(next);
      router.push(paths.access(printAccessSearch(next)));
    });
  }

  const isEmpty = entries.length === 0 && !isAccessNarrowed(search) && search.before === null;

  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">Access</h1>
      <RecordTabs tab="access" />
      {isEmpty ? null : <AccessFilters search={asked} actors={actors} onAsk={ask} />}
      {entries.length > 0 ? (
        <>
          <AccessTable entries={entries} nowMs={nowMs} isStale={isPending} />
          <LogPaging
            newest={search.before === null ? null : address({ before: null })}
            older={older === null ? null : address({ before: older })}
          />
        </>
      ) : isEmpty ? (
        <AccessEmpty />
      ) : (
        <NothingMatches
          what="entries"
          isNoId={search.sandbox !== null && !canAccessMatch({ ...search, by: null })}
          onClear={() => ask(WHOLE_ACCESS)}
        />
      )}
    </main>
  );
}

/** Nobody has looked into a sandbox so far. */
function AccessEmpty() {
  return (
    <div className="flex flex-col items-center px-5 pt-[10vh]">
      <Notice level="h2" title="Nobody has looked into a sandbox yet">
        <p>
          Every file that is opened, downloaded or uploaded is recorded here, every search in files, and every
          wake of a paused sandbox: who woke it, who viewed it, and how it was paused again. Nobody can edit
          or delete it from here.
        </p>
      </Notice>
    </div>
  );
}
