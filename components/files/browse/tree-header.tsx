'use client';

import { clsx } from 'clsx';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { Checkbox } from '@/components/ui/checkbox';
import type { Order, OrderKey } from '@/lib/files/browse/order';
import { COLUMNS, WIDE, WIDER, WIDEST } from './file-row';

type Props = {
  order: Order;
  onSort: (key: OrderKey) => void;
  marked: number;
  count: number;
  onMarkAll: (isAll: boolean) => void;
};

export function TreeHeader({ order, onSort, marked, count, onMarkAll }: Props) {
  const isAll = count > 0 && marked === count;
  const sorting = { order, onSort };
  return (
    <div role="rowgroup" className="sticky top-0 z-20 border-line border-b bg-bg">
      <div role="row" aria-rowindex={1} className={clsx('h-8 text-ink-2 text-small', COLUMNS)}>
        <div
          role="columnheader"
          aria-sort={sortOf('name', order)}
          className="flex min-w-0 items-center gap-[26px]"
        >
          <Checkbox
            aria-label={`Select all ${count}`}
            title="Select all"
            disabled={count === 0}
            className="-ml-0.5"
            checked={isAll}
            onChange={() => onMarkAll(!isAll)}
            isIndeterminate={marked > 0 && !isAll}
          />
          <SortButton id="name" title="Name" {...sorting} />
        </div>
        <div role="columnheader" aria-sort={sortOf('size', order)} className="flex justify-end">
          <SortButton id="size" title="Size" {...sorting} />
        </div>
        <div role="columnheader" aria-sort={sortOf('time', order)} className={WIDE}>
          <SortButton id="time" title="Modified" {...sorting} />
        </div>
        <div role="columnheader" className={WIDER}>
          Permissions
        </div>
        <div role="columnheader" className={WIDEST}>
          Owner
        </div>
        <span role="columnheader" className="sr-only">
          Actions
        </span>
      </div>
    </div>
  );
}

function sortOf(key: OrderKey, order: Order): 'none' | 'ascending' | 'descending' {
  if (order.key !== key) return 'none';
  return order.direction === 'asc' ? 'ascending' : 'descending';
}

type SortProps = { id: OrderKey; title: string; order: Order; onSort: (key: OrderKey) => void };

function SortButton({ id, title, order, onSort }: SortProps) {
  const isSorted = order.key === id;
  const Arrow = order.direction === 'asc' ? ArrowUp : ArrowDown;
  return (
    <button
      type="button"
      onClick={() => onSort(id)}
      className="flex min-w-0 items-center gap-1 rounded-sm hover:text-ink"
    >
      <span className={clsx('truncate', isSorted && 'text-ink')}>{title}</span>
      {isSorted ? <Arrow size={12} aria-hidden /> : null}
    </button>
  );
}
