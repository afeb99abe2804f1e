'use client';

import { useMemo } from 'react';
import { useUrlStates } from '@/components/data/use-url-state';
import { type Order, parseOrder, printOrder } from '@/lib/files/browse/order';
import { parsePath } from '@/lib/files/guest-path';
import { PREVIEW_VIEWS, type PreviewView } from '@/lib/files/preview/views';

/** The parameters to reset for another file. */
const FILE_RESET = { line: null, view: null };

export type Address = {
  /** `null`: the home folder. */
  path: string | null;
  file: string | null;
  order: Order;
  /** From 1. */
  line: number | null;
  /** `null`: the default of its kind. */
  view: PreviewView | null;
};

export type AddressActions = {
  /** Shows another folder, and `file` unless it is undefined. */
  go: (path: string, file?: string | null) => void;
  /** Opens a file or the details of a folder; `null` closes it. */
  show: (file: string | null, line?: number | null) => void;
  /** Does not add a history entry. */
  pointAt: (line: number) => void;
  viewAs: (view: PreviewView) => void;
  sortBy: (order: Order) => void;
};

/** The URL state of the page. Each navigation adds a history entry. */
export function useAddress(): Address & AddressActions {
  const [get, set] = useUrlStates({ history: 'push' });
  const actions = useMemo(
    (): AddressActions => ({
      go: (next, shown) =>
        set({ path: next, ...(shown === undefined ? {} : { ...FILE_RESET, file: shown }) }),
      show: (next, line = null) =>
        set({ ...FILE_RESET, file: next, line: line === null ? null : String(line) }),
      pointAt: (next) => set({ line: String(next) }, { history: 'replace' }),
      viewAs: (next) => set({ view: next }, { history: 'replace' }),
      sortBy: (order) => {
        const text = printOrder(order);
        set({ sort: text === 'name' ? null : text }, { history: 'replace' });
      },
    }),
    [set],
  );
  const sort = get('sort');
  const order = useMemo(() => parseOrder(sort), [sort]);
  const view = get('view');
  return {
    path: parsePath(get('path')),
    file: parsePath(get('file')),
    line: parseLine(get('line')),
    view: PREVIEW_VIEWS.find((known) => known === view) ?? null,
    order,
    ...actions,
  };
}

function parseLine(text: string | null): number | null {
  const line = Number.parseInt(text ?? '', 10);
  return line > 0 ? line : null;
}
