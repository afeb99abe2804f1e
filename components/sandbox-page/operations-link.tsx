'use client';

import Link from 'next/link';
import { useState } from 'react';
import { useActsUnderWay } from '@/components/data/use-fleet';
import { printLogSearch } from '@/lib/operations/record/log-filter';
import { paths } from '@/lib/paths';

/** Links to the operations on a sandbox. Shown if some are recorded (`isRecorded`) or one has started since. */
export function OperationsLink({ id, isRecorded }: { id: string; isRecorded: boolean }) {
  const isUnderWay = useActsUnderWay().has(id);
  const [hasStarted, setHasStarted] = useState(isUnderWay);
  if (isUnderWay && !hasStarted) setHasStarted(true);
  if (!isRecorded && !hasStarted) return null;
  return (
    <Link href={paths.operations(printLogSearch({ sandbox: id }))} className="text-accent underline">
      View its operations
    </Link>
  );
}
