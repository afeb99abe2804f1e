import { rowWith } from '../fleet/test-fleet';
import type { Sandbox } from '../sandbox/schema';
import { idOf, type SandboxKey } from '../sandbox-key';
import { freshCounts } from './record/board';
import { recordOperation } from './record/store';
import type { OperationItem, StoredOperation } from './schema';

let made = 0;

/** A new kill by ana without a cancel window. */
export function newOperation(changes: Partial<StoredOperation> = {}): StoredOperation {
  made += 1;
  const nowMs = Date.now();
  return {
    id: `operation-${made}`,
    act: 'kill',
    params: {},
    actorId: 'user-ana',
    actor: 'ana',
    reason: '',
    filter: '',
    state: 'running',
    createdAtMs: nowMs,
    startsAtMs: nowMs,
    finishedAtMs: null,
    cancelledAtMs: null,
    cancelledBy: null,
    retryOf: null,
    connections: ['local'],
    retriedConnections: [],
    counts: freshCounts(0),
    ...changes,
  };
}

export function waitingItem(sandboxKey: SandboxKey): OperationItem {
  return { sandboxKey, outcome: 'waiting', message: null, tookMs: null };
}

/** Records an operation on `targets`. The key of a local sandbox stands for a made-up one. */
export async function recordNew(
  targets: readonly (SandboxKey | Sandbox)[],
  { sessionId, ...changes }: Partial<StoredOperation> & { sessionId?: string } = {},
): Promise<StoredOperation> {
  const operation = newOperation({ ...changes, counts: freshCounts(targets.length) });
  await recordOperation({
    ...operation,
    ...(sessionId === undefined ? {} : { sessionId }),
    targets: targets.map((target) =>
      typeof target === 'string' ? rowWith({ id: idOf(target) }).sandbox : target,
    ),
  });
  return operation;
}
