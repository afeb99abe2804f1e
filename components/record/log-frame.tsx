'use client';

import { useRouter } from 'next/navigation';
import { type ReactNode, useOptimistic, useTransition } from 'react';
import { useRefresh } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { LinkTabs } from '@/components/ui/link-tabs';
import { paths } from '@/lib/paths';
import type { CommonSearch, RecordCursor } from '@/lib/record-search';
import { PersonSelect, SandboxInput, TimeSelect, useTimeFilter } from './filter-inputs';
import { LogNews, LogPaging, NothingMatches } from './log-states';

/** What differs between the logs. */
export type LogKind<Search extends CommonSearch> = {
  tab: Tab;
  /** The entries, such as `operations`. */
  noun: string;
  unfiltered: Search;
  print: (search: Search) => string;
  isFiltered: (search: Search) => boolean;
  /** Whether any entry can match. */
  canMatch: (search: Search) => boolean;
};

export type FilterProps<Search> = { search: Search; onFilter: (changes: Partial<Search>) => void };

type Props<Search extends CommonSearch> = {
  kind: LogKind<Search>;
  search: Search;
  actors: readonly string[];
  isEmpty: boolean;
  older: RecordCursor | null;
  /** The number of new entries that are not shown yet. */
  arrived?: number;
  /** The filter in front of the common ones, and one after the person. */
  renderFilter: (props: FilterProps<Search>) => ReactNode;
  renderSecondFilter?: (props: FilterProps<Search>) => ReactNode;
  /** The end of the filters, such as a download of what they select. */
  renderEnd?: (search: Search) => ReactNode;
  renderTable: (isStale: boolean) => ReactNode;
  empty: ReactNode;
};

/** A log page: tabs, filters stored in the URL, the table, and paging. */
export function LogFrame<Search extends CommonSearch>(props: Props<Search>) {
  const { kind, search, isEmpty, older, arrived = 0, renderTable, empty } = props;
  const router = useRouter();
  const refresh = useRefresh();
  const [isPending, startTransition] = useTransition();
  const [requested, setRequested] = useOptimistic(search);
  const address = (changes: Partial<CommonSearch>) => paths[kind.tab](kind.print({ ...search, ...changes }));

  function filter(changes: Partial<Search>) {
    const next = { ...requested, ...changes, before: null };
    startTransition(() => {
      setRequested(next);
      router.push(paths[kind.tab](kind.print(next)));
    });
  }

  const hasNoEntries = isEmpty && !kind.isFiltered(search) && search.before === null;
  return (
    <main className="flex min-h-0 flex-1 flex-col">
      <h1 className="sr-only">{TABS.find(({ key }) => key === kind.tab)?.name}</h1>
      <div className="border-line border-b">
        <LinkTabs label="Records" isTall tabs={TABS} current={kind.tab} />
      </div>
      {hasNoEntries ? null : <Filters {...props} search={requested} onFilter={filter} />}
      {arrived > 0 ? <LogNews count={arrived} onShow={() => startTransition(refresh)} /> : null}
      {!isEmpty ? (
        <>
          {renderTable(isPending)}
          <LogPaging
            newest={search.before === null ? null : address({ before: null })}
            older={older === null ? null : address({ before: older })}
          />
        </>
      ) : hasNoEntries ? (
        empty
      ) : (
        <NothingMatches
          noun={kind.noun}
          isInvalidId={search.sandbox !== null && !kind.canMatch({ ...search, by: null })}
          onClear={() => filter(kind.unfiltered)}
        />
      )}
    </main>
  );
}

function Filters<Search extends CommonSearch>({
  kind,
  search,
  actors,
  renderFilter,
  renderSecondFilter,
  renderEnd,
  onFilter,
}: Props<Search> & FilterProps<Search>) {
  // `Search` only adds fields to `CommonSearch`.
  const common = { search, onFilter: onFilter as (changes: Partial<CommonSearch>) => void };
  const time = useTimeFilter(common);
  return (
    <search
      aria-label={`Filter ${kind.noun}`}
      className="flex flex-wrap items-center gap-2 border-line border-b px-5 py-2.5"
    >
      {renderFilter({ search, onFilter })}
      <PersonSelect {...common} people={actors} />
      {renderSecondFilter?.({ search, onFilter })}
      <TimeSelect {...time} />
      <SandboxInput {...common} />
      {kind.isFiltered(search) ? (
        <Button
          tone="quiet"
          onClick={() => {
            time.clear();
            onFilter(kind.unfiltered);
          }}
        >
          Clear
        </Button>
      ) : null}
      {renderEnd?.(search)}
    </search>
  );
}

const TABS = [
  { key: 'operations', name: 'Operations', href: paths.operations() },
  { key: 'access', name: 'Access', href: paths.access() },
] as const;
type Tab = (typeof TABS)[number]['key'];
