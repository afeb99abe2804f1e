import type { ShownConnection } from '@/lib/connection';
import type { FleetStatus } from '@/lib/fleet/delta';
import type { Filter } from '@/lib/fleet/filter/filter';
import type { ConnectionName } from '@/lib/sandbox-key';
import { visibleText } from '@/lib/visible-text';

type Shown = {
  /** The connections that the filter leaves. */
  shown: readonly ConnectionName[];
  statuses: ReadonlyMap<ConnectionName, FleetStatus>;
};

/**
 * Why a filter that only narrows to connections shows no sandboxes. `null` for a filter with other terms. With one
 * connection its sandboxes have no other name.
 */
export function emptyText(
  filter: Filter | null,
  connections: readonly ShownConnection[],
  { shown, statuses }: Shown,
): string | null {
  if (filter === null || filter.length === 0 || filter.some(({ kind }) => kind !== 'connection')) return null;
  const [only, ...others] = connections.filter(({ name }) => shown.includes(name));
  if (only === undefined) return 'No connection has this name.';
  if (others.length > 0) return 'These connections have no sandboxes.';
  const title = visibleText(only.title);
  const status = statuses.get(only.name);
  if (status?.asOfMs != null) return `${title} has no sandboxes.`;
  return status?.problem == null ? `${title}: loading…` : `${title} has not been read yet.`;
}
