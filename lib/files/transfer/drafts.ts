import 'server-only';
import { sql } from 'kysely';
import { noteAccess } from '../../access/audit';
import { config } from '../../config';
import { database, databaseTimeMs } from '../../db/client';
import { SandkeeperError } from '../../errors';
import { Leases } from '../../lease/leases';
import { processOwner } from '../../lease/owner';
import { sandboxApi } from '../../sandbox-api/configured';
import { fileProblemOf } from '../../sandbox-api/file-error';
import { singleton } from '../../singleton';
import { WorkLoop } from '../../work-loop';

/**
 * The unfinished file of an upload. It is recorded before it is written into the sandbox, so that it is removed even if
 * this process ends or the sandbox is paused half-way. `target`: the file it was to become.
 */
export type Draft = { sandboxId: string; path: string; target: string; actor: string };

const LEASE_MS = 60_000;
const RENEW_EVERY_MS = 15_000;
const IDLE_MS = 60_000;
/** The wait after a failed removal. Doubles up to the maximum. */
const FIRST_WAIT_MS = 5_000;
const MAX_WAIT_MS = 10 * 60_000;
const REMOVAL_MS = 10_000;
/** Only such names are removed. */
const DRAFT_NAME = /\/\.upload-[0-9a-f]{16}$/;

const leases = new Leases('upload_drafts', sql`(claimed_until_ms >= 0)`);
const ALL = sql<boolean>`(1 = 1)`;

type Wait = { ms: number; untilMs: number };

/** Owns the unfinished files of uploads in sandboxes, and removes those that were left behind. */
export class DraftKeeper {
  readonly #owner: string;
  readonly #loop: WorkLoop;
  readonly #active = new Set<string>();
  /** By sandbox, those with drafts to remove. */
  readonly #waits = new Map<string, Wait>();

  constructor(owner = processOwner()) {
    this.#owner = owner;
    this.#loop = new WorkLoop({
      work: () => this.#work(),
      failureMessage: 'Could not clear unfinished uploads:',
    });
  }

  /** Takes over from processes that have ended. */
  async open(): Promise<void> {
    // Processes that share a database file share a machine.
    if (config().databaseUrl.startsWith('file:')) await leases.releaseEnded(this.#owner);
    this.#loop.poke();
  }

  async close(): Promise<void> {
    await this.#loop.close();
    await leases.release(this.#owner);
  }

  /** Records a draft before it is written. */
  async begin({ sandboxId, path, target, actor }: Draft): Promise<void> {
    const db = await database();
    await db
      .insertInto('upload_drafts')
      .values({
        sandbox_id: sandboxId,
        path,
        target,
        actor,
        claimed_by: this.#owner,
        claimed_until_ms: sql<number>`${databaseTimeMs(db)} + ${LEASE_MS}`,
      })
      .execute();
    this.#active.add(keyOf(sandboxId, path));
    this.#loop.poke();
  }

  /** Forgets a draft that has become its target, or was removed. */
  async settle({ sandboxId, path }: Draft): Promise<void> {
    await forget(sandboxId, path);
    this.#active.delete(keyOf(sandboxId, path));
  }

  /** Leaves a draft to be removed once its sandbox can be reached. */
  abandon({ sandboxId, path }: Draft): void {
    this.#active.delete(keyOf(sandboxId, path));
    this.#loop.poke();
  }

  /** Call when a sandbox was reached: it may have drafts that wait for that. */
  noteReachable(sandboxId: string): void {
    const wait = this.#waits.get(sandboxId);
    if (wait === undefined) return;
    wait.untilMs = 0;
    this.#loop.poke();
  }

  async #work(): Promise<number> {
    await leases.renew({ owner: this.#owner, leaseMs: LEASE_MS });
    await leases.acquire({ owner: this.#owner, leaseMs: LEASE_MS }, ALL);
    const held = await leases.listHeld(this.#owner);
    const left = held.filter(({ sandbox_id, path }) => !this.#active.has(keyOf(sandbox_id, path)));
    const sandboxes = new Set(left.map(({ sandbox_id }) => sandbox_id));
    for (const id of this.#waits.keys()) if (!sandboxes.has(id)) this.#waits.delete(id);
    for (const id of sandboxes) {
      if ((this.#waits.get(id)?.untilMs ?? 0) > Date.now()) continue;
      const drafts = left.filter(({ sandbox_id }) => sandbox_id === id);
      if (await this.#clear(id, drafts)) this.#waits.delete(id);
      else this.#postpone(id);
    }
    const nextMs = Math.min(...[...this.#waits.values()].map(({ untilMs }) => untilMs - Date.now()));
    return Math.max(100, Math.min(nextMs, held.length > 0 ? RENEW_EVERY_MS : IDLE_MS));
  }

  /** Resolves to false if the sandbox could not be reached. */
  async #clear(sandboxId: string, drafts: readonly Omit<Draft, 'sandboxId'>[]): Promise<boolean> {
    try {
      const envd = await sandboxApi().openEnvd(sandboxId);
      for (const { path, target, actor } of drafts) {
        const signal = AbortSignal.timeout(REMOVAL_MS);
        const found = DRAFT_NAME.test(path) ? await envd.stat(path, signal).catch(unlessVanished) : null;
        if (found?.kind === 'file') {
          await envd.remove(path, signal);
          const detail = `${found.sizeBytes} bytes of an interrupted upload by ${actor}, as ${path}`;
          await noteAccess(null, { kind: 'upload-cleared', sandboxId, path: target, detail });
        }
        await forget(sandboxId, path);
      }
      return true;
    } catch (thrown) {
      if (!isGone(thrown)) return false;
      for (const { path } of drafts) await forget(sandboxId, path);
      return true;
    }
  }

  #postpone(sandboxId: string): void {
    const before = this.#waits.get(sandboxId)?.ms ?? 0;
    const ms = Math.min(Math.max(FIRST_WAIT_MS, before * 2), MAX_WAIT_MS);
    this.#waits.set(sandboxId, { ms, untilMs: Date.now() + ms });
  }
}

const keyOf = (sandboxId: string, path: string) => `${sandboxId} ${path}`;

async function forget(sandboxId: string, path: string): Promise<void> {
  const db = await database();
  await db.deleteFrom('upload_drafts').where('sandbox_id', '=', sandboxId).where('path', '=', path).execute();
}

function unlessVanished(thrown: unknown): null {
  if (fileProblemOf(thrown) === 'vanished') return null;
  throw thrown;
}

/** Whether the sandbox is gone, and its files with it. */
function isGone(thrown: unknown): boolean {
  const error = SandkeeperError.from(thrown);
  return error.problem === 'gone' || (error.problem === undefined && error.code === 'not_found');
}

export function draftKeeper(): DraftKeeper {
  return singleton('draft-keeper', () => new DraftKeeper());
}
