import { type ConnectionName, connectionOf, type SandboxKey } from '../../sandbox-key';

/** Most claimed items wait for the reading that verifies them. */
export const MAX_CLAIMED = 2_048;
/** Items claimed ahead of the rate limiter: enough to keep it busy, while the rest stays free for other processes. */
export const MIN_AHEAD = 64;
const AHEAD_PER_SLOT = 4;

/** An item that this process works on. `hasBegun`: its request was sent. */
type Claimed = { operationId: string; item: { sandboxKey: SandboxKey }; hasBegun: boolean };

type State = {
  /** The operations to work on, oldest first, with the number of open items in each connection. */
  due: readonly { id: string; open: ReadonlyMap<ConnectionName, number> }[];
  works: Iterable<Claimed>;
  /** The current maximum of concurrent requests to a connection. */
  limitOf: (connection: ConnectionName) => number;
};

export type ClaimShare = { operationId: string; connection: ConnectionName; max: number };

/**
 * How many more items to claim of each operation in each connection. The operations share what is claimed ahead for a
 * connection, so that a small one does not wait for a large one; connections share nothing, so that none waits for a slow one.
 */
export function claimShares({ due, works, limitOf }: State): ClaimShare[] {
  const { all, unbegun, perConnection } = count(works);
  const claimants = new Map<ConnectionName, number>();
  for (const { open } of due)
    for (const [connection, items] of open)
      if (items > 0) claimants.set(connection, (claimants.get(connection) ?? 0) + 1);
  const shares: ClaimShare[] = [];
  for (const { id, open } of due) {
    for (const [connection, items] of open) {
      const key = `${id}/${connection}`;
      if ((all.get(key) ?? 0) >= items) continue;
      const ahead = Math.max(MIN_AHEAD, AHEAD_PER_SLOT * limitOf(connection));
      const share = Math.ceil(ahead / (claimants.get(connection) ?? 1));
      const claimed = perConnection.get(connection) ?? 0;
      const max = Math.min(share - (unbegun.get(key) ?? 0), MAX_CLAIMED - claimed);
      // Claim in batches: each claim is a write.
      if (max <= 0 || max < share / 2) continue;
      perConnection.set(connection, claimed + max);
      shares.push({ operationId: id, connection, max });
    }
  }
  return shares;
}

function count(works: Iterable<Claimed>) {
  const all = new Map<string, number>();
  const unbegun = new Map<string, number>();
  const perConnection = new Map<ConnectionName, number>();
  const add = <K>(counts: Map<K, number>, key: K) => counts.set(key, (counts.get(key) ?? 0) + 1);
  for (const { operationId, item, hasBegun } of works) {
    const connection = connectionOf(item.sandboxKey);
    add(all, `${operationId}/${connection}`);
    if (!hasBegun) add(unbegun, `${operationId}/${connection}`);
    add(perConnection, connection);
  }
  return { all, unbegun, perConnection };
}
