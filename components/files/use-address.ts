'use client';

import { parseAsInteger, parseAsString, parseAsStringLiteral, useQueryStates } from 'nuqs';
import { useMemo } from 'react';
import { type Order, parseOrder, printOrder } from '@/lib/files/browse/order';
import { parsePath } from '@/lib/files/guest-path';
import { PREVIEW_VIEWS, type PreviewView } from '@/lib/files/preview/views';

const KEYS = {
  path: parseAsString,
  file: parseAsString,
  sort: parseAsString,
  line: parseAsInteger,
  view: parseAsStringLiteral(PREVIEW_VIEWS),
};
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
  const [{ path, file, sort, line, view }, set] = useQueryStates(KEYS, { history: 'push' });
  const actions = useMemo(
    (): AddressActions => ({
      go: (next, shown) =>
        void set({ path: next, ...(shown === undefined ? {} : { ...FILE_RESET, file: shown }) }),
      show: (next, line = null) => void set({ ...FILE_RESET, file: next, line }),
      pointAt: (next) => void set({ line: next }, { history: 'replace' }),
      viewAs: (next) => void set({ view: next }, { history: 'replace' }),
      sortBy: (order) => {
        const text = printOrder(order);
        void set({ sort: text === 'name' ? null : text }, { history: 'replace' });
      },
    }),
    [set],
  );
  const order = useMemo(() => parseOrder(sort), [sort]);
  const validLine = line !== null && line > 0 ? line : null;
  return { path: parsePath(path), file: parsePath(file), line: validLine, view, order, ...actions };
}
