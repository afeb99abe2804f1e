import 'server-only';
import type { ConnectionKind } from '../connection';
import type { Connection } from './connection';

/** The port of envd inside each sandbox. */
const ENVD_PORT = 49983;

/** The domains of E2B that serve every sandbox under one host (docs/protocol.md#e2b-addresses). */
const SHARED_HOST_DOMAINS: ReadonlySet<string> = new Set([
  'e2b.app',
  'e2b.dev',
  'e2b.pro',
  'e2b-staging.dev',
]);

/** The prefix of the headers that name a sandbox and its port (docs/protocol.md#e2b-and-moru). */
const HEADER_PREFIX = {
  local: 'moru',
  moru: 'moru',
  e2b: 'e2b',
  'e2b-compatible': 'e2b',
} satisfies Record<ConnectionKind, string>;

/** The address of an envd, and the headers that lead a request to it. */
export function envdAddress(
  connection: Connection,
  { sandboxID, domain }: { sandboxID: string; domain?: string | null | undefined },
): { baseUrl: string; headers: Record<string, string> } {
  const prefix = HEADER_PREFIX[connection.kind];
  return {
    baseUrl: connection.sandboxUrl ?? hostUrl(connection, sandboxID, trustedDomain(connection, domain ?? '')),
    headers: { [`${prefix}-sandbox-id`]: sandboxID, [`${prefix}-sandbox-port`]: String(ENVD_PORT) },
  };
}

function hostUrl({ kind }: Connection, sandboxId: string, domain: string): string {
  if (kind === 'e2b' && SHARED_HOST_DOMAINS.has(domain.toLowerCase())) return `https://sandbox.${domain}`;
  return `https://${ENVD_PORT}-${sandboxId}.${domain}`;
}

/** Returns `named` if it is a subdomain of the connection's domain, else that domain itself. */
export function trustedDomain({ domain }: Pick<Connection, 'domain'>, named: string): string {
  const isHost = /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(named);
  return isHost && named.toLowerCase().endsWith(`.${domain.toLowerCase()}`) ? named : domain;
}
