import type { ConnectionView } from '../connection';
import type { ErrorCode } from '../errors';
import type { FleetStatus } from '../fleet/delta';

/** Whether a connection works. `failing`: it answers, but its list cannot be read. */
export type ConnectionState = 'ok' | 'unread' | 'unauthorised' | 'unreachable' | 'failing' | 'disabled';

/** What the settings show of a connection. Its key is not among it. */
export type ConnectionFacts = ConnectionView & {
  /** The host of its API. */
  host: string;
  /** The variable or file that declares it. `null`: it was added in the settings. */
  declaredIn: string | null;
  /** Whether the stored key can be decrypted. */
  hasKey: boolean;
  state: ConnectionState;
  /** The reason of the last failed reading. Later ones may have succeeded. */
  lastProblem: { message: string; atMs: number } | null;
  /** Sandboxes in the last reading. `null` before the first. */
  sandboxes: number | null;
  /** The last successful reading, epoch ms. */
  lastReadAtMs: number | null;
  /** How far the service's clock is ahead of ours, ms. */
  aheadMs: number;
};

const STATE_AFTER = {
  unauthenticated: 'unauthorised',
  forbidden: 'unauthorised',
  timeout: 'unreachable',
  unavailable: 'unreachable',
  not_found: 'failing',
  not_offered: 'failing',
  conflict: 'failing',
  rate_limited: 'failing',
  quota: 'failing',
  disk_full: 'failing',
  invalid: 'failing',
  unexpected: 'failing',
} satisfies Record<ErrorCode, ConnectionState>;

type Known = Pick<ConnectionFacts, 'isDisabled' | 'hasKey'>;

/** The state of a connection after its last reading. */
export function connectionState(
  { isDisabled, hasKey }: Known,
  { problem, asOfMs }: Pick<FleetStatus, 'problem' | 'asOfMs'>,
): ConnectionState {
  if (isDisabled) return 'disabled';
  if (!hasKey) return 'unauthorised';
  if (problem !== null) return STATE_AFTER[problem.code];
  return asOfMs === null ? 'unread' : 'ok';
}
