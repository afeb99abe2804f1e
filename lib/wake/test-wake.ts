import { afterAll, expect, onTestFinished } from 'vitest';
import { database } from '../db/client';
import { fleetWatcher } from '../fleet/watchers';
import { idOf, type SandboxKey } from '../sandbox-key';
import { eventually, localKey, setUpEngine } from '../test-support/environment';
import { someone } from '../test-support/people';
import type { WakeState } from './schema';
import { WakeKeeper } from './wake-keeper';

export const ANA = someone('ana');
export const MAREK = someone('marek');
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
export function openPage(
  keeper: WakeKeeper,
  topicKey: string,
  { userId, actor, id: sessionId } = ANA,
  counts = true,
) {
  const states: WakeState[] = [];
  const leave = keeper.subscribe(topicKey, { sessionId, userId, actor, counts }, ({ state }) =>
    states.push(state),
  );
  onTestFinished(leave);
  const now = () => states.at(-1);
  const ended = async (how: string, withinMs = 60_000) => {
    await eventually(() => now()?.kind === 'ended', withinMs);
    expect(now()).toMatchObject({ kind: 'ended', how });
  };
  return { states, leave, now, ended };
}

/** The audit log of a sandbox, oldest first. */
export async function auditLog(key: SandboxKey): Promise<string[]> {
  const db = await database();
  const rows = await db
    .selectFrom('access_log')
    .selectAll()
    .where('sandbox_key', '=', key)
    .orderBy('at_ms')
    .orderBy('id')
    .execute();
  return rows.map(({ actor, kind, detail }) => [actor ?? '–', kind, detail].filter(Boolean).join(' | '));
}

/** Stands for the death of the keeper's process: its lease is neither renewed nor released. */
export async function crash(keeper: WakeKeeper, key: SandboxKey): Promise<void> {
  const db = await database();
  const before = await db
    .selectFrom('wake_leases')
    .select('claimed_until_ms')
    .where('sandbox_key', '=', key)
    .executeTakeFirst();
  await keeper.close();
  await db
    .updateTable('wake_leases')
    .set({ claimed_until_ms: before?.claimed_until_ms ?? 0 })
    .where('sandbox_key', '=', key)
    .execute();
}

/** Starts an engine for this file. Returns calls that act outside the keeper. */
export function setUpSandboxes() {
  const engine = setUpEngine();
  afterAll(() => fleetWatcher('local').close());

  const create = async (body: Record<string, unknown> = {}) => localKey(await engine.create(body));

  async function createPaused(): Promise<SandboxKey> {
    const key = await create();
    await post(key, 'pause');
    return key;
  }

  const post = async (key: SandboxKey, action: string, body?: object) =>
    (await engine.call('POST', `/sandboxes/${idOf(key)}/${action}`, body)).status;
  const kill = (key: SandboxKey) => engine.call('DELETE', `/sandboxes/${idOf(key)}`);
  const detail = (key: SandboxKey) => engine.detail(idOf(key));
  const stateOf = async (key: SandboxKey) => {
    const { status, state } = await detail(key);
    return status === 404 ? 'gone' : state;
  };
  const leftMs = async (key: SandboxKey) => Date.parse((await detail(key)).endAt) - Date.now();

  /** How often the faults of a route have fired. */
  async function fired(route: string): Promise<number> {
    const { json } = await engine.call('GET', '/engine/faults');
    return (json as { route: string; fired: number }[])
      .filter((fault) => fault.route === route)
      .reduce((sum, fault) => sum + fault.fired, 0);
  }

  return { engine, create, createPaused, post, kill, detail, stateOf, leftMs, fired };
}
