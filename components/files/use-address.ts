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
/** What is said of one file says nothing about the next. */
const ANOTHER_FILE = { line: null, view: null };

/** What a link to this page shows: a folder, what is open beside it, and the order. */
export type Address = {
  /** `null`: where one looks first. */
  path: string | null;
  file: string | null;
  order: Order;
  /** The line of the file that is meant, from 1. */
  line: number | null;
  /** How the file is shown; `null`: as its kind suggests. */
  view: PreviewView | null;
};

export type AddressActs = {
  /** Shows another folder, and beside it `file`; what is open stays unless it says otherwise. */
  go: (path: string, file?: string | null) => void;
  /** Shows a file, or a folder's facts, beside the folder; `null` closes it. */
  show: (file: string | null, line?: number | null) => void;
  /** Says which line of the file is meant; no step of its own. */
  pointAt: (line: number) => void;
  /** Shows the file in another way. */
  viewAs: (view: PreviewView) => void;
  sortBy: (order: Order) => void;
};

/** The address of the page, and how to change it: each step is one back. */
export function useAddress(): Address & AddressActs {
  const [{ path, file, sort, line, view }, set] = useQueryStates(KEYS, { history: 'push' });
  const acts = useMemo(
    (): AddressActs => ({
      go: (next, shown) =>
        void set({ path: next, ...(shown === undefined ? {} : { ...ANOTHER_FILE, file: shown }) }),
      show: (next, line = null) => void set({ ...ANOTHER_FILE, file: next, line }),
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
  const meant = line !== null && line > 0 ? line : null;
  return { path: parsePath(path), file: parsePath(file), line: meant, view, order, ...acts };
}
