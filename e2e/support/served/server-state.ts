import type { Role } from '../../../lib/roles';
import { findFreePort } from '../../../scripts/lib/ports.mjs';
import type { Sandkeeper } from '../deployment';
import type { Moru } from '../moru';

/** The running Sandkeeper of the component tests, shared by the configuration and the global setup of Vitest. */
type Served = { sandkeeper: Sandkeeper; moru: Moru; sessions: Record<Role, string> };

const key = Symbol.for('sandkeeper.served');
const state = globalThis as unknown as Record<symbol, { port: number; served?: Served } | undefined>;

/** The port for the server. Vitest loads the configuration more than once. */
export async function choosePort(): Promise<number> {
  const port = state[key]?.port ?? (await findFreePort(23_000 + (process.pid % 4_000), '127.0.0.1'));
  if (port === undefined) throw new Error('No port is free.');
  state[key] ??= { port };
  return state[key].port;
}

export function setServed(served: Served): void {
  if (state[key]) state[key].served = served;
}

export function served(): Served {
  const found = state[key]?.served;
  if (!found) throw new Error('Sandkeeper is not running.');
  return found;
}
