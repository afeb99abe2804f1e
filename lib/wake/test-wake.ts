import { afterAll, expect, onTestFinished } from 'vitest';
import { database } from '../db/client';
import { fleetWatcher } from '../fleet/watcher';
import { eventually, setUpEngine } from '../test-support/environment';
import type { WakeState } from './schema';
import { WakeKeeper } from './wake-keeper';

export const ANA = { actor: 'ana', id: 'session-of-ana' };
export const MAREK = { actor: 'marek', id: 'session-of-marek' };
export const MINUTE_MS = 60_000;
export const GRACE_MS = 600;
const FAST = { graceMs: GRACE_MS, intervalMs: 100, viewersTtlMs: 1_200, retryMs: 150 };
export const RESUME = 'POST /sandboxes/*/resume';
export const PAUSE = 'POST /sandboxes/*/pause';
/** Ends the audit detail of a guarded wake. */
export const GUARDED = '; its timeout now pauses it';

let opened = 0;

/** A keeper that stands for a separate process. */
export async function openKeeper(options: Partial<ConstructorParameters<typeof WakeKeeper>[0]> = {}) {
  opened += 1;
  const { owner = `process-${opened}` } = options;
  const keeper = new WakeKeeper({ isShared: true, ...FAST, ...options, owner });
  await keeper.open();
  onTestFinished(() => keeper.close());
  return { keeper, owner };
}

/** An open page and the states that it received. */
export function openPage(keeper: WakeKeeper, id: string, { actor, id: sessionId } = ANA, counts = true) {
  const states: WakeState[] = [];
  const leave = keeper.subscribe(id, { sessionId, actor, counts }, ({ state }) => states.push(state));
  onTestFinished(leave);
  const now = () => states.at(-1);
  const ended = async (how: string, withinMs = 60_000) => {
    await eventually(() => now()?.kind === 'ended', withinMs);
    expect(now()).toMatchObject({ kind: 'ended', how });
  };
  return { states, leave, now, ended };
}

/** The audit log of a sandbox, oldest first. */
export async function auditLog(id: string): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('access_log')
    .selectAll()
    .where('sandbox_id', '=', id)
    .orderBy('at_ms')
    .orderBy('id')
    .execute();
  return rows.map(({ actor, kind, detail }) => [actor ?? '–', kind, detail].filter(Boolean).join(' | '));
}

/** Stands for the death of the keeper's process: its lease is neither renewed nor released. */
export async function crash(keeper: WakeKeeper, id: string): Promise<void> {
  const db = await database();
  const before = await db
    .selectFrom('wake_leases')
    .select('claimed_until_ms')
    .where('sandbox_id', '=', id)
    .executeTakeFirst();
  await keeper.close();
  await db
    .updateTable('wake_leases')
    .set({ claimed_until_ms: before?.claimed_until_ms ?? 0 })
    .where('sandbox_id', '=', id)
    .execute();
}

/** Starts an engine for this file. Returns calls that act outside the keeper. */
export function setUpSandboxes() {
  const engine = setUpEngine();
  afterAll(() => fleetWatcher().close());

  async function createPaused(body: Record<string, unknown> = {}): Promise<string> {
    const id = await engine.create(body);
    await post(id, 'pause');
    return id;
  }

  const post = async (id: string, action: string, body?: object) =>
    (await engine.call('POST', `/sandboxes/${id}/${action}`, body)).status;
  const stateOf = async (id: string) => {
    const { status, state } = await engine.detail(id);
    return status === 404 ? 'gone' : state;
  };
  const leftMs = async (id: string) => Date.parse((await engine.detail(id)).endAt) - Date.now();

  /** How often the faults of a route have fired. */
  async function fired(route: string): Promise<number> {
    const { json } = await engine.call('GET', '/engine/faults');
    return (json as { route: string; fired: number }[])
      .filter((fault) => fault.route === route)
      .reduce((sum, fault) => sum + fault.fired, 0);
  }

  return { engine, createPaused, post, stateOf, leftMs, fired };
}
