import 'server-only';
import { lostAuthority } from '../../access/authority';
import { ROLE_FOR } from '../../sandbox/can';
import { sessionOfOperation } from '../record/store';
import type { StoredOperation } from '../schema';

/** How long a check is reused, ms. Changes also trigger a check at once. */
const REUSED_FOR_MS = 500;

type Check = { atMs: number; found: Promise<string | null> };

/** Why operations must send nothing more: whoever started one may not go on. */
export class Obstacles {
  readonly #checks = new Map<string, Check>();

  /** The reason, as the end of a sentence; `null`: the operation may go on. Rejects if that cannot be read. */
  async find(operation: StoredOperation): Promise<string | null> {
    const { id } = operation;
    const nowMs = Date.now();
    const known = this.#checks.get(id);
    if (known && nowMs - known.atMs < REUSED_FOR_MS) return known.found;
    const found = read(operation);
    this.#checks.set(id, { atMs: nowMs, found });
    found.catch(() => this.forget(id));
    return found;
  }

  /** Call when an operation has finished. */
  forget(operationId: string): void {
    this.#checks.delete(operationId);
  }

  /** Call when sessions or grants have changed. */
  forgetAll(): void {
    this.#checks.clear();
  }
}

/** What a change of the time left ends needs the role of a kill. */
async function read(operation: StoredOperation): Promise<string | null> {
  const { id, actorId, act, connections, params } = operation;
  const who = { actorId, sessionId: await sessionOfOperation(id) };
  const obstacle = await lostAuthority(who, ROLE_FOR[act], connections);
  if (obstacle !== null || params.endsIn === undefined) return obstacle;
  return lostAuthority(who, ROLE_FOR.kill, params.endsIn);
}
