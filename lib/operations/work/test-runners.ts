import { afterAll, beforeEach, onTestFinished } from 'vitest';
import { database } from '../../db/client';
import { fleetWatcher } from '../../fleet/watchers';
import type { Sandbox } from '../../sandbox/schema';
import { apiOf } from '../../sandbox-api/configured';
import { idOf, type SandboxKey } from '../../sandbox-key';
import { eventually, localKey, setUpEngine } from '../../test-support/environment';
import { listItems } from '../record/store';
import type { Operation, OperationEvent, Outcome } from '../schema';
import { OperationRunner } from './runner';

type Options = Partial<ConstructorParameters<typeof OperationRunner>[0]>;
/** Sets up an engine, and runners as if each were in its own process. */
export function setUpRunners() {
  const engine = setUpEngine();

  beforeEach(() => void onTestFinished(async () => void (await engine.clearFaults())));
  afterAll(() => fleetWatcher('local').close());

  let opened = 0;

  /** A runner, as if in its own process, with the events that it publishes. */
  function openRunner(options: Options = {}) {
    opened += 1;
    const runner = new OperationRunner({
      owner: `process-${opened}`,
      maxConcurrency: 16,
      protectedKey: 'protected',
      keepMs: null,
      isShared: true,
      syncMs: 200,
      ...options,
    });
    const events: OperationEvent[] = [];
    onTestFinished(runner.listen((event) => events.push(event)));
    onTestFinished(() => runner.close());
    const finished = ({ id }: Operation) =>
      eventually(
        () => events.some(({ operation }) => operation.id === id && operation.state === 'finished'),
        30_000,
      );
    const outcomesOf = (key: SandboxKey) =>
      events
        .flatMap(({ items }) => items.filter(({ sandboxKey }) => sandboxKey === key))
        .map(({ outcome }) => outcome);
    return { runner, events, finished, outcomesOf };
  }

  const create = async () => localKey(await engine.create());
  const createMany = (count: number) => Promise.all(Array.from({ length: count }, create));
  const readAll = (keys: readonly SandboxKey[]): Promise<Sandbox[]> =>
    Promise.all(keys.map((key) => apiOf(key).getSandbox(key)));

  /** The outcomes of an operation by the keys of its sandboxes. */
  async function recorded(id: string): Promise<Record<string, Outcome>> {
    return Object.fromEntries((await listItems(id)).map(({ sandboxKey, outcome }) => [sandboxKey, outcome]));
  }

  /** How many requests have met a fault. */
  async function firedFaults(): Promise<number> {
    const { json } = await engine.call('GET', '/engine/faults');
    return (json as { fired: number }[]).reduce((sum, { fired }) => sum + fired, 0);
  }

  const detailOf = (key: SandboxKey) => engine.detail(idOf(key));
  const isThere = async (key: SandboxKey) => (await detailOf(key)).status === 200;

  return { engine, openRunner, create, createMany, readAll, recorded, firedFaults, detailOf, isThere };
}

/** The process dies: nothing it does from now on reaches the database, and it renews nothing. */
export async function crash(runner: OperationRunner, owner: string): Promise<void> {
  await runner.close();
  const db = await database();
  // What a kill of the process leaves: claims that run out by themselves.
  await db
    .updateTable('operation_items')
    .set({ claimed_until_ms: Date.now() + 300 })
    .where('claimed_by', '=', owner)
    .where('outcome', '=', 'waiting')
    .execute();
}
