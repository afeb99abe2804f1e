'use client';

import Link from 'next/link';
import { useState } from 'react';
import { useActsUnderWay } from '@/components/data/use-fleet';
import { printLogSearch } from '@/lib/operations/record/log-filter';
import { paths } from '@/lib/paths';

/** The way to what was done to a sandbox from here; nothing where the record has nothing (`isRecorded`) and nothing begins. */
export function ItsOperations({ id, isRecorded }: { id: string; isRecorded: boolean }) {
  const isUnderWay = useActsUnderWay().has(id);
  const [hasBegun, setHasBegun] = useState(isUnderWay);
  if (isUnderWay && !hasBegun) setHasBegun(true);
  if (!isRecorded && !hasBegun) return null;
  return (
    <Link href={paths.operations(printLogSearch({ sandbox: id }))} className="text-accent underline">
      Operations on it
    </Link>
  );
}
