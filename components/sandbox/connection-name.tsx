'use client';

import { clsx } from 'clsx';
import { useNamesConnections } from '@/components/data/use-fleet';
import { splitByConnection, splitText } from '@/lib/connection-split';
import { fleets } from '@/lib/fleet/fleets';
import { connectionOf, idOf, type SandboxKey } from '@/lib/sandbox-key';

/** The id of a sandbox, after its connection where more than one is in use: `prod/i4x9kq2m`. */
export function SandboxName({ sandboxKey, className }: { sandboxKey: SandboxKey; className?: string }) {
  const isNamed = useNamesConnections();
  return (
    <span translate="no" className={clsx('font-mono', className)}>
      {isNamed ? <span className="font-normal text-ink-3">{connectionOf(sandboxKey)}/</span> : null}
      {idOf(sandboxKey)}
    </span>
  );
}

/** `prod 12, staging 3`; `null` where one connection is in use. */
export function useConnectionSplit(sandboxes: readonly { key: SandboxKey }[]): string | null {
  return useNamesConnections() && sandboxes.length > 0
    ? splitText(splitByConnection(sandboxes.map(({ key }) => key)))
    : null;
}

/** `prod/i4x9kq2m`, or the id alone where one connection is in use. For text outside components. */
export function sandboxNameText(sandboxKey: SandboxKey): string {
  return namesConnections() ? sandboxKey : idOf(sandboxKey);
}

/** Like `useConnectionSplit`, for text outside components. */
export function connectionSplitText(keys: readonly SandboxKey[]): string | null {
  return namesConnections() && keys.length > 0 ? splitText(splitByConnection(keys)) : null;
}

function namesConnections(): boolean {
  return fleets().view().connections.length > 1;
}
