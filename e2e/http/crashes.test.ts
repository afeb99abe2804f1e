import { beforeEach, describe, expect, it } from 'vitest';
import type { FaultInput } from '../../lib/engine/faults';
import type { Operation, RecordedItem } from '../../lib/operations/schema';
import { createPostgresDatabase, hasPostgres } from '../../lib/test-support/postgres';
import { Sandkeeper } from '../support/deployment';
import { ask, cookieOf } from '../support/http';
import { Moru } from '../support/moru';
import { Colleague } from '../support/operations';
import { Relay } from '../support/relay';

/**
 * Operations survive whatever happens to the server in the middle of them, and touch what was planned and nothing else.
 * What was asked of the service is written down by a relay before it; what became of it is the engine's own record.
 */

/** The times of the crashes follow from it: `CHAOS_SEED=… npm run http -- crashes` repeats them. */
const SEED = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000);
const [CRASHES, ITEMS] = process.env.TEST_LONG ? [100, 1_000] : [4, 100];
/** Longest lifetime of a server before the next crash, ms. Too short to carry out `ITEMS` in `CRASHES` lifetimes. */
const MAX_LIFETIME_MS = 1_000;

const SLOW_KILLS: FaultInput = { route: 'DELETE /sandboxes/*', latencyMs: 250 };

/** Refused, failed, cut off or accepted for show; a failed one may have taken effect nonetheless. */
const STORM: FaultInput[] = [
  { route: 'DELETE /sandboxes/*', latencyMs: 100 },
  { route: 'DELETE /sandboxes/*', probability: 0.25, status: 429, retryAfterSeconds: 0 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, status: 429, retryAfterSeconds: 1 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, status: 500 },
  { route: 'DELETE /sandboxes/*', probability: 0.05, effect: 'fail-late' },
  { route: 'DELETE /sandboxes/*', probability: 0.05, reset: true },
  { route: 'DELETE /sandboxes/*', probability: 0.05, effect: 'pretend-kill' },
];

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A sandkeeper with a fleet of which a part is meant, and everything that watches it. */
class Scene {
  private constructor(
    readonly sandkeeper: Sandkeeper,
    readonly relay: Relay,
    readonly moru: Moru,
    readonly session: string,
    /** Those that are to be killed, and those that look the same but are not. */
    readonly targets: readonly string[],
    readonly bystanders: ReadonlyMap<string, unknown>,
  ) {}

  static async open(count: number, env: Record<string, string> = {}): Promise<Scene> {
    let relay: Relay | undefined;
    const sandkeeper = await Sandkeeper.open({
      upstreamVia: async (engineUrl) => {
        relay = await Relay.open(engineUrl);
        return relay.url;
      },
      env: { SANDKEEPER_MAX_CONCURRENCY: '4', SANDKEEPER_CANCEL_WINDOW_SECONDS: '0', ...env },
    });
    if (!relay) throw new Error('The relay was not opened.');
    const moru = new Moru(sandkeeper.engine);
    // Every sixth is a bystander, all over the list.
    await moru.createMany(Math.ceil(count * 1.2), () => ({ environment: 'development' }));
    const ids = await moru.listIds();
    const targets = ids.filter((_, index) => index % 6 !== 0).slice(0, count);
    const meant = new Set(targets);
    const bystanders = await Scene.#look(
      moru,
      ids.filter((id) => !meant.has(id)),
    );
    const { admin } = await sandkeeper.openSessions();
    return new Scene(sandkeeper, relay, moru, admin, targets, bystanders);
  }

  get colleague(): Colleague {
    return new Colleague(this.sandkeeper, this.session);
  }

  async close(): Promise<void> {
    await this.sandkeeper.close();
    this.relay.close();
  }

  async add(faults: readonly FaultInput[]): Promise<void> {
    for (const fault of faults) await this.moru.addFault(fault);
  }

  /** How many of the targets a kill was asked for. */
  asked(): number {
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
    await expect
      .poll(async () => (await this.read(operationId, sandkeeper)).operation.state, { timeout: 200_000 })
      .toBe('finished');
    return this.read(operationId, sandkeeper);
  }

  /** Crashes the server at random moments, and starts it again each time. */
  async crashAgainAndAgain(): Promise<void> {
    const random = randomFrom(SEED);
    for (let crash = 1; crash <= CRASHES; crash += 1) {
      await wait(random() * MAX_LIFETIME_MS);
      expect(this.asked(), `there is something left to do before crash ${crash}`).toBeLessThan(
        this.targets.length,
      );
      await this.sandkeeper.crash();
      await this.sandkeeper.restart();
    }
  }

  /** Whom the engine says that it has and has not killed: exactly the targets, and nobody else was even asked for. */
  async expectExactlyTargetsGone(): Promise<void> {
    const rest = new Map(this.bystanders);
    for (const id of this.added) rest.set(id, undefined);
    expect((await this.moru.listIds()).toSorted()).toEqual([...rest.keys()].toSorted());
    expect(await Scene.#look(this.moru, [...this.bystanders.keys()])).toEqual(this.bystanders);
    const killed = (await this.#runs()).filter(({ endReason }) => endReason === 'killed');
    expect(killed.map(({ sandboxID }) => sandboxID).toSorted()).toEqual(this.targets.toSorted());
    const asked = new Set(this.relay.kills.map(({ sandboxId }) => sandboxId));
    expect([...asked].toSorted()).toEqual(this.targets.toSorted());
  }

  readonly added: string[] = [];

  /** One that matches the same filter, but came too late to be planned. */
  async addLatecomer(): Promise<void> {
    this.added.push(await this.moru.create({ metadata: { environment: 'development' } }));
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

  static async #look(moru: Moru, ids: readonly string[]): Promise<Map<string, unknown>> {
    const looks = await Promise.all(ids.map(async (id) => [id, await moru.find(id)] as const));
    return new Map(looks);
  }
}

/** Sandboxes of which a second kill was asked while the first was under way. */
function askedTwiceAtOnce(...relays: Relay[]): string[] {
  const kills = relays.flatMap((relay) => relay.kills).toSorted((a, b) => a.beganMs - b.beganMs);
  const freeAtMs = new Map<string, number>();
  return kills.flatMap(({ sandboxId, beganMs, endedMs }) => {
    const isOverlap = beganMs < (freeAtMs.get(sandboxId) ?? 0);
    freeAtMs.set(sandboxId, endedMs ?? Number.POSITIVE_INFINITY);
    return isOverlap ? [sandboxId] : [];
  });
}

beforeEach(() => console.log(`CHAOS_SEED=${SEED}`));

// A busy machine starts a server slowly, and these start it often.
describe('a server that crashes', { timeout: process.env.TEST_LONG ? 1_800_000 : 600_000 }, () => {
  for (const [name, faults] of [
    ['a slow service', [SLOW_KILLS]],
    ['a storm of refusals and pretence', STORM],
  ] as const) {
    it(`kills exactly the ${ITEMS} planned sandboxes in spite of ${CRASHES} crashes and ${name}`, async () => {
      const scene = await Scene.open(ITEMS);
      try {
        await scene.add(faults);
        const operationId = await scene.colleague.kill(scene.targets, 'chaos');
        await scene.addLatecomer();
        await scene.crashAgainAndAgain();
        const { operation, items } = await scene.whenFinished(operationId);
        expect(items.map(({ sandboxId }) => sandboxId).toSorted()).toEqual(scene.targets.toSorted());
        expect(items.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
        expect(operation).toMatchObject({ reason: 'chaos', counts: { done: ITEMS }, cancelledAtMs: null });
        await scene.expectExactlyTargetsGone();
        expect(askedTwiceAtOnce(scene.relay)).toEqual([]);
      } finally {
        await scene.close();
      }
    });
  }

  it('does not continue a cancelled operation', async () => {
    const scene = await Scene.open(60);
    try {
      await scene.add([SLOW_KILLS]);
      const operationId = await scene.colleague.kill(scene.targets);
      await expect.poll(() => scene.asked()).toBeGreaterThan(8);
      await scene.colleague.stop(operationId);
      await scene.sandkeeper.crash();
      const asked = scene.asked();
      await scene.sandkeeper.restart();

      const { operation, items } = await scene.whenFinished(operationId);
      expect(operation.cancelledAtMs).not.toBeNull();
      const there = new Set(await scene.moru.listIds());
      for (const { sandboxId, outcome } of items) {
        expect(outcome, sandboxId).toBe(there.has(sandboxId) ? 'cancelled' : 'done');
      }
      await wait(1_000);
      expect(scene.asked()).toBe(asked);
      expect(asked).toBeLessThan(60);
    } finally {
      await scene.close();
    }
  });

  it.skipIf(!hasPostgres)('is replaced by another server that shares the operation', async () => {
    const database = await createPostgresDatabase();
    try {
      const scene = await Scene.open(400, { DATABASE_URL: database.url });
      const otherRelay = await Relay.open(scene.sandkeeper.engine.url);
      const other = await scene.sandkeeper.openBeside({ SANDKEEPER_ENGINE_URL: otherRelay.url });
      try {
        await scene.add([{ ...SLOW_KILLS, latencyMs: 100 }]);
        const operationId = await scene.colleague.kill(scene.targets);
        await expect.poll(() => scene.relay.kills.length, { timeout: 60_000 }).toBeGreaterThan(10);
        await expect.poll(() => otherRelay.kills.length, { timeout: 60_000 }).toBeGreaterThan(10);
        await scene.sandkeeper.crash();

        const { items } = await scene.whenFinished(operationId, other);
        expect(items.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
        const asked = new Set([...scene.relay.kills, ...otherRelay.kills].map(({ sandboxId }) => sandboxId));
        expect([...asked].toSorted()).toEqual(scene.targets.toSorted());
        expect((await scene.moru.listIds()).toSorted()).toEqual([...scene.bystanders.keys()].toSorted());
        expect(askedTwiceAtOnce(scene.relay, otherRelay)).toEqual([]);
      } finally {
        await other.close();
        otherRelay.close();
        await scene.close();
      }
    } finally {
      await database.drop();
    }
  });
});
