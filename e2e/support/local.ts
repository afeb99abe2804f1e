import { keyOf, type SandboxKey } from '../../lib/sandbox-key.ts';

/**
 * The sandboxes of the tests are in the connection of the local engine. Its other clients know them by their ids, from
 * which these make what Sandkeeper calls them.
 */

/** The name of the local engine's connection. */
export const LOCAL = 'local';

export const localKey = (id: string): SandboxKey => keyOf(LOCAL, id);

/** The path of the sandbox's page. Its tabs are below. */
export const pageOf = (id: string): string => `/c/${LOCAL}/sandboxes/${encodeURIComponent(id)}`;

/** The path of the sandbox's API routes, which are below. */
export const routesOf = (id: string): string => `/api${pageOf(id)}`;

/** The route of the fleet of the local engine. */
export const FLEET_ROUTE = `/api/fleet/${LOCAL}`;
