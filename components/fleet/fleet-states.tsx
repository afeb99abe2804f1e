'use client';

import { Button } from '@/components/ui/button';
import { type Role, roleSuffices } from '@/lib/access/roles';

/** The way to a new sandbox, or why there is none. */
export function NewButton({ role, onClick }: { role: Role; onClick: () => void }) {
  return (
    <Button
      tone="primary"
      size="lg"
      unavailable={roleSuffices(role, 'operator') ? null : 'This needs the role operator.'}
      onClick={onClick}
    >
      New sandbox
    </Button>
  );
}

/** The filter leaves nothing. */
export function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <div className="absolute inset-x-0 top-[14vh] flex flex-col items-center gap-3">
      <p className="text-ink-2">No sandbox passes this filter.</p>
      <Button onClick={onClear}>Clear the filter</Button>
    </div>
  );
}

const SKELETON_ROWS = 12;

/** The table's shape while the fleet is read for the first time. */
export function FleetSkeleton() {
  return (
    <div aria-busy="true" aria-label="Reading the sandboxes" role="status" className="flex-1 overflow-hidden">
      {Array.from({ length: SKELETON_ROWS }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: these rows are all the same.
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
