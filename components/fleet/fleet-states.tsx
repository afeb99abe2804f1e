'use client';

import Link from 'next/link';
import { Button } from '@/components/ui/button';
import { paths } from '@/lib/paths';

type NewProps = { unavailable: string | null; onClick: () => void };

export function NewButton({ unavailable, onClick }: NewProps) {
  return (
    <Button tone="primary" size="lg" unavailable={unavailable} onClick={onClick}>
      New sandbox
    </Button>
  );
}

type NothingProps = {
  /** The filter has a term that cannot be read. */
  isWrong: boolean;
  /** Says why, if the filter only narrows to connections without sandboxes. */
  empty: string | null;
  /** The only id that the filter asks for. */
  id: string | null;
  onClear: () => void;
};

export function NothingMatches({ isWrong, empty, id, onClear }: NothingProps) {
  return (
    <div className="absolute inset-x-0 top-[14vh] flex flex-col items-center gap-3 px-5 text-center">
      <p className="text-ink-2">
        {isWrong
          ? 'No sandboxes are shown, because a term of the filter is not valid. Correct or remove it.'
          : (empty ?? 'No sandboxes match this filter.')}
      </p>
      {id === null ? null : (
        <Link href={paths.sandboxById(id)} prefetch={false} className="text-accent underline">
          Find this ID among ended sandboxes
        </Link>
      )}
      <Button onClick={onClear}>{empty === null ? 'Clear filter' : 'Show all connections'}</Button>
    </div>
  );
}

const SKELETON_ROWS = 12;

/** Shown during the first reading of the fleet, in the shape of the table. */
export function FleetSkeleton() {
  return (
    <div aria-busy="true" aria-label="Loading sandboxes" role="status" className="flex-1 overflow-hidden">
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are identical.
          key={index}
          className="flex h-[34px] items-center gap-6 border-line-soft border-b px-5"
        >
          <span className="h-2.5 w-16 animate-pulse rounded-full bg-line" />
          <span className="h-2.5 w-40 animate-pulse rounded-full bg-line" />
          <span className="h-2.5 flex-1 animate-pulse rounded-full bg-line-soft" />
          <span className="h-2.5 w-24 animate-pulse rounded-full bg-line" />
        </div>
      ))}
    </div>
  );
}
