import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { sendEdgeError } from './edge-errors';
import {
  type DataPlane,
  ENVD_PORT,
  type Guest,
  type GuestContext,
  type GuestRuntime,
  type Guests,
  type Usage,
} from './guests';
import { sendError } from './http';

const NOT_AVAILABLE = 'Files and processes are not available on this engine.';

class IdleGuests implements Guests {
  readonly #guestsDir: string;
  readonly processes = { available: false, reason: NOT_AVAILABLE };
  readonly hasNetwork = false;

  constructor(guestsDir: string) {
    this.#guestsDir = guestsDir;
  }

  async recover(): Promise<void> {}
  async create(): Promise<void> {}
  async pause(): Promise<void> {}
  async resume(): Promise<void> {}
  async revert(): Promise<void> {}

  /** A sandbox without files has an empty copy. */
  async saveFiles(_guest: Guest, target: string): Promise<void> {
    await mkdir(target, { mode: 0o700 });
  }

  isInUse(): boolean {
    return false;
  }

  isUnused(): boolean {
    return true;
  }

  async destroy(id: string): Promise<void> {
    await rm(join(this.#guestsDir, id), { recursive: true, force: true });
  }

  usage(): Usage {
    return { cpuUsedPct: 0, memUsedBytes: 0, diskUsedBytes: 0 };
  }

  async close(): Promise<void> {}
}

class IdleDataPlane implements DataPlane {
  handle(guest: Guest, port: number, request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '/').split('?')[0];
    if (port !== ENVD_PORT) {
      sendEdgeError(response, 'portClosed', { sandboxId: guest.id, port });
    } else if (path === '/health' && request.method === 'GET') {
      response.writeHead(204, { 'cache-control': 'no-store' }).end();
    } else {
      sendError(response, 501, NOT_AVAILABLE);
    }
  }
}

/** Opens sandboxes that can be created, paused and killed, but have no files or processes. */
export function openIdleGuests(context: GuestContext): GuestRuntime {
  return { guests: new IdleGuests(context.guestsDir), dataPlane: new IdleDataPlane() };
}
