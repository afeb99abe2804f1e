import { seesCommands, withoutArguments } from '../../access/redact';
import { showsFilter } from '../../fleet/filter/named-connections';
import { type Grants, mayIn } from '../../grants';
import type { Operation, StoredOperation } from '../schema';

/** Whether the person may learn of the operation: only if they see each of its connections. */
export function seesOperation(grants: Grants, { connections }: Pick<Operation, 'connections'>): boolean {
  return grants.everywhere !== null || (connections.length > 0 && mayIn(grants, 'viewer', connections));
}

/**
 * An operation that the person may learn of, as they see it: the arguments of a command only with the role for it, and no
 * other operation or connection that is hidden from them.
 */
export function operationFor(
  grants: Grants,
  { retriedConnections, ...operation }: StoredOperation,
): Operation {
  const { params, filter, retryOf, connections } = operation;
  const seen = {
    ...operation,
    filter: showsFilter(grants, filter) ? filter : '',
    retryOf: seesOperation(grants, { connections: retriedConnections }) ? retryOf : null,
  };
  if (params.command === undefined || seesCommands(grants, connections)) return seen;
  return { ...seen, params: { ...params, command: withoutArguments(params.command) }, hidesCommand: true };
}
