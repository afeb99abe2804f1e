'use client';

import Link from 'next/link';
import { useNamedConnection } from '@/components/data/use-connections';
import { ConnectionTag } from '@/components/sandbox/connection-name';
import { narrowTo } from '@/lib/fleet/filter/narrowing';
import { paths } from '@/lib/paths';
import type { ConnectionName } from '@/lib/sandbox-key';

/** The connection in the breadcrumb, where there are several. It leads to the fleet of that connection. */
export function ConnectionCrumb({ name }: { name: ConnectionName }) {
  if (useNamedConnection(name) === null) return null;
  const search = new URLSearchParams({ q: narrowTo('', name).trim() });
  return (
    <>
      {' '}
      <Link href={`${paths.sandboxes()}?${search}`} className="ml-0.5 align-bottom hover:text-ink">
        <ConnectionTag name={name} />
      </Link>{' '}
      /
    </>
  );
}
