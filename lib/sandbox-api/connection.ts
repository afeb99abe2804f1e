import type { ConnectionKind } from '../connection';
import { type ConnectionName, connectionOf, idOf, type SandboxKey } from '../sandbox-key';

/** An account at a sandbox service: all that this room needs to know about it. The key never leaves the room. */
export type Connection = {
  name: ConnectionName;
  kind: ConnectionKind;
  /** The address of the control plane. It may have a path. */
  apiUrl: string;
  /** `null` if it cannot be decrypted: every call fails and says so. */
  key: string | null;
  /** The domain of the sandboxes' addresses. It may have a port. */
  domain: string;
  /** A fixed address of all sandboxes, instead of one below `domain`. */
  sandboxUrl?: string | undefined;
  /** Needed for the metrics of the team. */
  teamId?: string | undefined;
  /** How to correct a wrong key or address, for messages: “Check MORU_API_KEY.” */
  advice?: { key: string; address: string } | undefined;
};

const ADVICE = {
  key: 'Check the API key of the connection.',
  address: 'Check the address of the connection.',
};

export function adviceOf({ advice = ADVICE }: Connection): NonNullable<Connection['advice']> {
  return advice;
}

/**
 * The id of a sandbox of this connection. A key of another connection is a fault of ours: its request would reach the wrong
 * sandbox.
 */
export function ownIdOf({ name }: Pick<Connection, 'name'>, key: SandboxKey): string {
  if (connectionOf(key) !== name) throw new Error(`${key} is not a sandbox of the connection ${name}.`);
  return idOf(key);
}
