'use client';

import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useUrlState } from '@/components/data/use-url-state';
import { Button } from '@/components/ui/button';
import { Checkbox } from '@/components/ui/checkbox';
import { LocalTime } from '@/components/ui/local-time';
import { arrange, insideKey, measure, parseOrder, printOrder } from '@/lib/processes/arrange';
import { INSIDE_REFETCH_MS, insideQuery } from '@/lib/processes/queries';
import type { InsideList } from '@/lib/processes/schema';
import type { SandboxKey } from '@/lib/sandbox-key';
import { InsideTable } from './inside-table';
import type { SignalRequest } from './signal-dialog';
import { useHold, useSteadyRows } from './use-steady-rows';

type Props = {
  sandboxKey: SandboxKey;
  apiPids: ReadonlySet<number>;
  /** The reason why processes cannot be read or signalled now; `null` if they can. */
  reason: string | null;
  onSignal: (request: SignalRequest) => void;
};

/** Every process in the sandbox. Read only on request, because reading starts a shell in it; refreshed from then on. */
export function InsideSection({ sandboxKey, apiPids, reason, onSignal }: Props) {
  const [refreshes, setRefreshes] = useState(false);
  const query = useQuery(insideQuery(sandboxKey, refreshes && reason === null));
  const { data, isFetching, isError, error } = query;
  const [orderText, setOrderText] = useUrlState('processes');
  const { isHeld, hold } = useHold();
  const order = useMemo(() => parseOrder(orderText), [orderText]);
  const measured = useMeasured(data);
  const arranged = useMemo(() => measured && arrange(measured, order), [measured, order]);
  const rows = useSteadyRows(arranged, insideKey, isHeld);

  return (
    <section aria-labelledby="inside" className="flex shrink-0 flex-col pt-4 pb-8">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 px-5 pb-2">
        <h2 id="inside" className="font-semibold">
          All processes
        </h2>
        <p className="min-w-0 flex-1 basis-72 text-ink-2">
          {data ? (
            <>
              Read at <LocalTime ms={data.atMs} isShort />.{data.isCut ? ' The list is incomplete.' : null}
            </>
          ) : (
            'With CPU time and memory. Reading the list briefly starts a shell in the sandbox.'
          )}
        </p>
        {data ? (
          <>
            <label className="flex items-center gap-2">
              <Checkbox
                checked={order.isTree}
                onChange={({ target }) => setOrderText(printOrder({ ...order, isTree: target.checked }))}
              />
              Tree
            </label>
            <label className="flex items-center gap-2">
              <Checkbox checked={refreshes} onChange={({ target }) => setRefreshes(target.checked)} />
              Refresh every {INSIDE_REFETCH_MS / 1_000} s
            </label>
          </>
        ) : null}
        {data && refreshes ? null : (
          <Button
            unavailable={reason}
            isBusy={isFetching}
            onClick={() => {
              setRefreshes(true);
              void query.refetch();
            }}
          >
            {isFetching ? 'Reading…' : data ? 'Read again' : 'Read all processes'}
          </Button>
        )}
      </div>
      {isError ? (
        <p role="alert" className="px-5 pb-2 text-ink-2">
          {error.message}
        </p>
      ) : null}
      {data ? (
        <InsideTable
          rows={rows}
          atMs={data.atMs}
          apiPids={apiPids}
          order={order}
          onSort={(next) => setOrderText(printOrder(next))}
          reason={reason}
          onSignal={onSignal}
          hold={hold}
        />
      ) : null}
    </section>
  );
}

/** The processes of the latest reading, compared with the reading before it. */
function useMeasured(data: InsideList | undefined) {
  const [readings, setReadings] = useState<{ now: InsideList | undefined; before: InsideList | null }>({
    now: undefined,
    before: null,
  });
  if (data !== undefined && data !== readings.now) setReadings({ now: data, before: readings.now ?? null });
  const { now, before } = readings;
  return useMemo(() => (now === undefined ? undefined : measure(now, before)), [now, before]);
}
