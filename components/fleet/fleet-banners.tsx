'use client';

import Link from 'next/link';
import type { Roles } from '@/components/data/use-person';
import { isWarned, StaleBanner } from '@/components/sandbox/stale-banner';
import { Button } from '@/components/ui/button';
import { Strip } from '@/components/ui/strip';
import type { ShownConnection } from '@/lib/connection';
import { type FleetStatus, NOTHING_READ } from '@/lib/fleet/delta';
import { paths } from '@/lib/paths';
import { type Role, roleSuffices } from '@/lib/roles';
import type { ConnectionName } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';

type Props = {
  connections: readonly ShownConnection[];
  statuses: ReadonlyMap<ConnectionName, FleetStatus>;
  /** The connections that the filter leaves. */
  shown: readonly ConnectionName[];
  roles: Roles;
  nowMs: number;
  /** Leaves the sandboxes of a connection out. */
  onHide: (name: ConnectionName) => void;
};

/** One strip takes a tenth of a small screen. */
const MAX_STRIPS = 3;

/** Warns of each connection whose list is old or incomplete, and says which ones are still loading. */
export function FleetBanners({ connections, statuses, shown, roles, nowMs, onHide }: Props) {
  const several = connections.length > 1;
  const listed = connections
    .filter(({ name }) => shown.includes(name))
    .map((connection) => ({ connection, status: statuses.get(connection.name) ?? NOTHING_READ }));
  const warned = listed.filter(({ status }) => isWarned(status));
  const loading = listed.filter(({ connection, status }) => {
    return statuses.has(connection.name) && status.asOfMs === null && status.problem === null;
  });
  const hidden = warned.slice(MAX_STRIPS);
  return (
    <>
      {warned.slice(0, MAX_STRIPS).map(({ connection, status }) => (
        <StaleBanner
          key={connection.name}
          status={status}
          nowMs={nowMs}
          connection={several ? connection : null}
          actions={
            several ? (
              <Acts
                connection={connection}
                role={roles(connection.name)}
                onHide={shown.length > 1 ? () => onHide(connection.name) : null}
              />
            ) : null
          }
        />
      ))}
      {hidden.length === 0 ? null : (
        <Strip>
          {`${hidden.length} more connections are not current: ${titlesOf(hidden.map(({ connection }) => connection))}.`}
        </Strip>
      )}
      {several && loading.length > 0 && loading.length < listed.length ? (
        <Strip tone="plain" isDense>
          {`${titlesOf(loading.map(({ connection }) => connection))}: loading…`}
        </Strip>
      ) : null}
    </>
  );
}

function titlesOf(connections: readonly ShownConnection[]): string {
  return connections.map(({ title }) => visibleText(title)).join(', ');
}

type ActsProps = { connection: ShownConnection; role: Role; onHide: (() => void) | null };

function Acts({ connection: { name, title }, role, onHide }: ActsProps) {
  return (
    <>
      {roleSuffices(role, 'operator') ? (
        <Link href={paths.connection(name)} className="text-accent underline">
          Connection details
        </Link>
      ) : null}
      {onHide === null ? null : (
        <Button aria-label={`Hide the sandboxes of ${visibleText(title)}`} onClick={onHide}>
          Hide its sandboxes
        </Button>
      )}
    </>
  );
}
