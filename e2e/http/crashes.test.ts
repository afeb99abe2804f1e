import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaultInput } from '../../lib/engine/faults';
import { type Operation, type RecordedItem, totalsOf } from '../../lib/operations/schema';
import { createPostgresDatabase, hasPostgres } from '../../lib/test-support/postgres';
import { randomFrom } from '../../lib/test-support/random';
import { Sandkeeper } from '../support/deployment';
import { ask, cookieOf } from '../support/http';
import { localKey } from '../support/local';
import { Moru } from '../support/moru';
import { Colleague } from '../support/operations';
import { Relay } from '../support/relay';

/**
 * Operations survive crashes of the server and act on exactly the planned sandboxes. A relay records the requests to the
 * engine, and the engine records their effects.
 */

/** Determines when the server crashes: `CHAOS_SEED=… npm run http -- crashes` repeats it. */
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const [CRASHES, ITEMS] = process.env.TEST_LONG ? [100, 1_000] : [4, 48];
/** The crashes are spread over this share of the items. The rest shows that the operation goes on. */
const CRASHING_SHARE = 0.75;
/** Up to this long passes between a kill and the crash it causes, ms. */
const MAX_DELAY_MS = 250;
/** An operation without progress for this long is stuck. Refusals in a row hold it for a minute at most. */
const STALLED_AFTER_MS = 150_000;

const SLOW_KILLS: FaultInput = { route: 'DELETE /sandboxes/*', latencyMs: 250 };

/** Rate limits, errors, resets and kills without effect. A kill that reports an error can have taken effect. */
const STORM: FaultInput[] = [
  { route: 'DELETE /sandboxes/*', latencyMs: 100 },
  { route: 'DELETE /sandboxes/*', probability: 0.08, status: 429, retryAfterSeconds: 0 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, status: 429, retryAfterSeconds: 1 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, status: 500 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, effect: 'fail-late' },
  { route: 'DELETE /sandboxes/*', probability: 0.05, reset: true },
  { route: 'DELETE /sandboxes/*', probability: 0.05, effect: 'pretend-kill' },
];

/** Waits until `count` reaches `wanted`, however long it takes. Fails if it does not grow for `STALLED_AFTER_MS`. */
async function untilReached(wanted: number, count: () => number | Promise<number>): Promise<void> {
  let [reached, sinceMs] = [-1, performance.now()];
  for (;;) {
    const now = await count();
    if (now >= wanted) return;
    if (now > reached) [reached, sinceMs] = [now, performance.now()];
    expect(performance.now() - sinceMs, `ms at ${now} of ${wanted}`).toBeLessThan(STALLED_AFTER_MS);
    await wait(100);
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sandkeeper and a relay that records its requests to the engine. */
type Stage = { sandkeeper: Sandkeeper; relay: Relay; session: string; close: () => Promise<void> };

async function openStage(env: Record<string, string> = {}): Promise<Stage> {
  let relay: Relay | undefined;
  const sandkeeper = await Sandkeeper.open({
    upstreamVia: async (engineUrl) => {
      relay = await Relay.open(engineUrl);
      return relay.url;
    },
    env: {
      SANDKEEPER_MAX_CONCURRENCY: '4',
      SANDKEEPER_CANCEL_WINDOW_SECONDS: '0',
      SANDKEEPER_RETRY_MS: '50',
      ...env,
    },
  });
  const opened = relay;
  if (!opened) throw new Error('The relay was not opened.');
  const { admin } = await sandkeeper.openSessions();
  const close = async () => {
    await sandkeeper.close();
    opened.close();
  };
  return { sandkeeper, relay: opened, session: admin, close };
}

/** A fleet of targets and bystanders on a stage, alone. */
class Scene {
  readonly sandkeeper: Sandkeeper;
  readonly relay: Relay;
  readonly session: string;

  private constructor(
    stage: Stage,
    readonly moru: Moru,
    /** `targets` are to be killed. `bystanders` have the same metadata and are not. */
    readonly targets: readonly string[],
    readonly bystanders: ReadonlyMap<string, unknown>,
  ) {
    this.sandkeeper = stage.sandkeeper;
    this.relay = stage.relay;
    this.session = stage.session;
  }

  static async open(stage: Stage, count: number): Promise<Scene> {
    const moru = new Moru(stage.sandkeeper.engine);
    await moru.clearFaults();
    await moru.killAll();
    stage.relay.requests.length = 0;
    // Every sixth sandbox is a bystander.
    await moru.createMany(Math.ceil(count * 1.2), () => ({ environment: 'development' }));
    const ids = await moru.listIds();
    const targets = ids.filter((_, index) => index % 6 !== 0).slice(0, count);
    const meant = new Set(targets);
    const bystanders = await Scene.#readAll(
      moru,
      ids.filter((id) => !meant.has(id)),
    );
    return new Scene(stage, moru, targets, bystanders);
  }

  get colleague(): Colleague {
    return new Colleague(this.sandkeeper, this.session);
  }

  async add(faults: readonly FaultInput[]): Promise<void> {
    for (const fault of faults) await this.moru.addFault(fault);
  }

  /** The number of sandboxes with a kill request. */
  countRequested(): number {
    return new Set(this.relay.kills.map(({ sandboxId }) => sandboxId)).size;
  }

  async read(
    operationId: string,
    sandkeeper = this.sandkeeper,
  ): Promise<{ operation: Operation; items: RecordedItem[] }> {
    const { text } = await ask(sandkeeper, `/api/operations/${operationId}`, {
      headers: cookieOf(sandkeeper, this.session),
    });
    return JSON.parse(text);
  }

  async whenFinished(operationId: string, sandkeeper = this.sandkeeper) {
    const countFinal = async () =>
      totalsOf((await this.read(operationId, sandkeeper)).operation.counts).final;
    await untilReached(this.targets.length, countFinal);
    await expect
      .poll(async () => (await this.read(operationId, sandkeeper)).operation.state)
      .toBe('finished');
    return this.read(operationId, sandkeeper);
  }

  /** Crashes the server at random points of the operation and restarts it. */
  async crashRepeatedly(): Promise<void> {
    const { next: random } = randomFrom(SEED);
    const itemsPerCrash = (this.targets.length * CRASHING_SHARE) / CRASHES;
    for (let crash = 0; crash < CRASHES; crash += 1) {
      await untilReached(Math.floor((crash + random()) * itemsPerCrash), () => this.countRequested());
      await wait(random() * MAX_DELAY_MS);
      expect(this.countRequested(), `items before crash ${crash + 1}`).toBeLessThan(this.targets.length);
      await this.sandkeeper.crash();
      await this.sandkeeper.restart();
    }
  }

  /** Expects that exactly the targets received a kill request and that the engine has killed exactly these. */
  async expectExactlyTargetsGone(): Promise<void> {
    const rest = new Map(this.bystanders);
    for (const id of this.added) rest.set(id, undefined);
    expect((await this.moru.listIds()).toSorted()).toEqual([...rest.keys()].toSorted());
    expect(await Scene.#readAll(this.moru, [...this.bystanders.keys()])).toEqual(this.bystanders);
    const ours = new Set([...this.targets, ...rest.keys()]);
    const killed = (await this.#runs()).filter(
      ({ sandboxID, endReason }) => endReason === 'killed' && ours.has(sandboxID),
    );
    expect(killed.map(({ sandboxID }) => sandboxID).toSorted()).toEqual(this.targets.toSorted());
    const requested = new Set(this.relay.kills.map(({ sandboxId }) => sandboxId));
    expect([...requested].toSorted()).toEqual(this.targets.toSorted());
  }

  readonly added: string[] = [];

  /** Creates a sandbox that matches the same filter after the plan was made. */
  async addLatecomer(): Promise<void> {
    // Outlives the test, as all others do.
    const input = { metadata: { environment: 'development' }, timeoutMs: 3_600_000 };
    this.added.push(await this.moru.create(input));
  }

  async #runs(): Promise<{ sandboxID: string; endReason?: string }[]> {
    const all: { sandboxID: string; createdAt: string; endReason?: string }[] = [];
    for (;;) {
      const cursor = all.at(-1)?.createdAt;
      const query = cursor ? `&nextToken=${encodeURIComponent(cursor)}` : '';
      const { body } = await this.moru.ask('GET', `/v2/sandbox-runs?limit=100${query}`);
      const page: typeof all = JSON.parse(body);
      if (page.length === 0) return all;
      all.push(...page);
    }
  }

  static async #readAll(moru: Moru, ids: readonly string[]): Promise<Map<string, unknown>> {
    const entries = await Promise.all(ids.map(async (id) => [id, await moru.find(id)] as const));
    return new Map(entries);
  }
}

/** The ids of sandboxes with overlapping kill requests. */
function overlappingKills(...relays: Relay[]): string[] {
  const kills = relays.flatMap((relay) => relay.kills).toSorted((a, b) => a.beganMs - b.beganMs);
  const freeAtMs = new Map<string, number>();
  return kills.flatMap(({ sandboxId, beganMs, endedMs }) => {
    const isOverlap = beganMs < (freeAtMs.get(sandboxId) ?? 0);
    freeAtMs.set(sandboxId, endedMs ?? Number.POSITIVE_INFINITY);
    return isOverlap ? [sandboxId] : [];
  });
}

beforeEach(() => console.log(`CHAOS_SEED=${SEED}`));

// These tests start the server often, which is slow on a busy machine. Without progress they fail earlier.
describe('a server that crashes', { timeout: process.env.TEST_LONG ? 14_400_000 : 900_000 }, () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  for (const [name, faults] of [
    ['a slow service', [SLOW_KILLS]],
    ['a service with many faults', STORM],
  ] as const) {
    it(`kills exactly the ${ITEMS} planned sandboxes in spite of ${CRASHES} crashes and ${name}`, async () => {
      const scene = await Scene.open(stage, ITEMS);
      await scene.add(faults);
      const operationId = await scene.colleague.kill(scene.targets, 'chaos');
      await scene.addLatecomer();
      await scene.crashRepeatedly();
      const { operation, items } = await scene.whenFinished(operationId);
      expect(items.map(({ sandboxKey }) => sandboxKey).toSorted()).toEqual(
        scene.targets.map(localKey).toSorted(),
      );
      expect(items.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
      expect(operation).toMatchObject({ reason: 'chaos', counts: { done: ITEMS }, cancelledAtMs: null });
      await scene.expectExactlyTargetsGone();
      expect(overlappingKills(scene.relay)).toEqual([]);
    });
  }

  it('does not continue a cancelled operation', async () => {
    const scene = await Scene.open(stage, 40);
    await scene.add([SLOW_KILLS]);
    const operationId = await scene.colleague.kill(scene.targets);
    await expect.poll(() => scene.countRequested()).toBeGreaterThan(8);
    await scene.colleague.stop(operationId);
    await scene.sandkeeper.crash();
    const requested = scene.countRequested();
    await scene.sandkeeper.restart();

    const { operation, items } = await scene.whenFinished(operationId);
    expect(operation.cancelledAtMs).not.toBeNull();
    const remaining = new Set((await scene.moru.listIds()).map(localKey));
    for (const { sandboxKey, outcome } of items) {
      expect(outcome, sandboxKey).toBe(remaining.has(sandboxKey) ? 'cancelled' : 'done');
    }
    await wait(1_000);
    expect(scene.countRequested()).toBe(requested);
    expect(requested).toBeLessThan(40);
  });

  it.skipIf(!hasPostgres)('is replaced by another server that shares the operation', async () => {
    const database = await createPostgresDatabase();
    try {
      const shared = await openStage({ DATABASE_URL: database.url, SANDKEEPER_CLAIM_MS: '4000' });
      const otherRelay = await Relay.open(shared.sandkeeper.engine.url);
      const other = await shared.sandkeeper.openBeside({ SANDKEEPER_ENGINE_URL: otherRelay.url });
      try {
        const scene = await Scene.open(shared, 240);
        await scene.add([{ ...SLOW_KILLS, latencyMs: 100 }]);
        const operationId = await scene.colleague.kill(scene.targets);
        await expect.poll(() => scene.relay.kills.length, { timeout: 60_000 }).toBeGreaterThan(10);
        await expect.poll(() => otherRelay.kills.length, { timeout: 60_000 }).toBeGreaterThan(10);
        await scene.sandkeeper.crash();

        const { items } = await scene.whenFinished(operationId, other);
        expect(items.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
        const requested = new Set(
          [...scene.relay.kills, ...otherRelay.kills].map(({ sandboxId }) => sandboxId),
        );
        expect([...requested].toSorted()).toEqual(scene.targets.toSorted());
        expect((await scene.moru.listIds()).toSorted()).toEqual([...scene.bystanders.keys()].toSorted());
        expect(overlappingKills(scene.relay, otherRelay)).toEqual([]);
      } finally {
        await other.close();
        otherRelay.close();
        await shared.close();
      }
    } finally {
      await database.drop();
    }
  });
});
