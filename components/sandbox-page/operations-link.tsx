'use client';

import Link from 'next/link';
import { useState } from 'react';
import { useActsUnderWay } from '@/components/data/use-fleet';
import { printLogSearch } from '@/lib/operations/record/log-filter';
import { paths } from '@/lib/paths';
import type { SandboxKey } from '@/lib/sandbox-key';

/** Links to the operations on a sandbox. Shown if some are recorded (`isRecorded`) or one has started since. */
export function OperationsLink({ sandboxKey, isRecorded }: { sandboxKey: SandboxKey; isRecorded: boolean }) {
  const isUnderWay = useActsUnderWay().has(sandboxKey);
  const [hasStarted, setHasStarted] = useState(isUnderWay);
  if (isUnderWay && !hasStarted) setHasStarted(true);
  if (!isRecorded && !hasStarted) return null;
  return (
    <Link href={paths.operations(printLogSearch({ sandbox: sandboxKey }))} className="text-accent underline">
      View its operations
    </Link>
  );
}
