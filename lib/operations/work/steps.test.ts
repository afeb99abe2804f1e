import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Sandbox } from '../../sandbox/schema';
import { eventually, setUpEngine } from '../../test-support/environment';
import type { Archiver } from '../archive/archiver';
import { driftOf } from '../plan/plan';
import { StepStopped } from '../step/step-result';
import type { StepContext } from './steps';
import { neverSent, readOne, step, thenUnreadable, unverified } from './test-steps';

const MINUTE_MS = 60_000;
// Faults are per sandbox, so that slow steps can run concurrently.
const engine = setUpEngine({ clearFaultsAfterEach: false });
const it = test.concurrent;

beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterAll(() => void vi.restoreAllMocks());

const kill = (id: string) => step('kill', id, {});

describe('kill', () => {
  it('is done when a reading shows that the sandbox is gone', async () => {
    const id = await engine.create();
    expect(await kill(id)).toEqual({ outcome: 'done', message: null, sandbox: null });
    expect((await engine.detail(id)).status).toBe(404);
  });

  it('kills paused sandboxes', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect((await kill(id)).outcome).toBe('done');
  });

  it('skips a sandbox that was protected while it was awake for archiving', async () => {
    const id = await engine.create({ metadata: { keep: 'true' } });
    const now = await readOne(id);
    const shown: Sandbox = { ...now, state: 'paused', metadata: {} };
    const archiver: Pick<Archiver, 'archiveThen' | 'saved' | 'stoppedMessage' | 'isOurWake' | 'recheck'> = {
      archiveThen: (_shown, { kill }) => kill(now),
      saved: null,
      stoppedMessage: null,
      isOurWake: async () => false,
      recheck: async () => null,
    };
    const driftOfKept: StepContext['driftOf'] = (before, after) => driftOf(before, after, 'keep');
    const readings = [shown];
    const read = async () => readings.shift() ?? now;
    const send = neverSent;
    const more = { shown, read, archiver: archiver as Archiver, driftOf: driftOfKept, send };
    expect(await step('kill', id, {}, more)).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it is now protected.',
    });
    expect((await engine.detail(id)).status).toBe(200);
  });

  it('does not call a sandbox skipped that changed after its kill was sent, and sends no second one', async () => {
    const id = await engine.create();
    const shown = await readOne(id);
    const readings = [shown];
    const read = async (): Promise<Sandbox> => readings.shift() ?? { ...shown, state: 'paused' };
    let sent = 0;
    const send: StepContext['send'] = (call) => {
      sent += 1;
      return call();
    };
    expect(await step('kill', id, {}, { shown, read, send, latest: () => undefined })).toMatchObject({
      outcome: 'unknown',
      message:
        'The kill was sent, but the sandbox was still there, and it was running and is now paused. It was not sent again.',
    });
    expect(sent).toBe(1);
  });

  it('reports already for a sandbox that is gone', async () => {
    expect(await kill('igone')).toEqual({
      outcome: 'already',
      message: 'It was already terminated.',
      sandbox: null,
    });
  });

  it('fails if the service accepts it without effect', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, effect: 'pretend-kill' });
    const result = await kill(id);
    expect(result).toMatchObject({
      outcome: 'failed',
      message: 'The service accepted the kill several times, but the sandbox still exists.',
      sandbox: { id, state: 'running' },
    });
  });

  it('is done if it took effect despite a 500', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 500, latencyMs: 2_500, count: 1 });
    const killing = kill(id);
    await eventually(async () => {
      const { json } = await engine.call('GET', '/engine/faults');
      return !JSON.stringify(json).includes(id);
    });
    await engine.call('DELETE', `/sandboxes/${id}`);
    expect(await killing).toEqual({ outcome: 'done', message: null, sandbox: null });
  });

  it.each([{ status: 500 }, { status: 503 }, { reset: true }])(
    'that was answered with %j and took no effect has failed',
    async (fault) => {
      const id = await engine.create();
      await engine.fault({ route: `DELETE /sandboxes/${id}`, ...fault });
      expect(await kill(id)).toMatchObject({
        outcome: 'failed',
        message: expect.stringContaining('The sandbox service cannot be reached or has a problem.'),
        sandbox: { id },
      });
    },
  );

  it('is denied without a reading if it is forbidden', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 403 });
    expect(await kill(id)).toEqual({
      outcome: 'denied',
      message: 'The sandbox service does not allow killing a sandbox. The service says: “Injected fault”.',
    });
  });

  it('is denied if the API key is rejected', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 401 });
    expect(await kill(id)).toEqual({
      outcome: 'denied',
      message: expect.stringContaining(
        'The sandbox service refused the API key. Check SANDKEEPER_ENGINE_KEY.',
      ),
    });
  });

  it('fails without a retry if the state forbids it', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 409, count: 1 });
    expect(await kill(id)).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('The sandbox is in a state that does not allow killing a sandbox.'),
      sandbox: { id },
    });
  });

  it('is sent again after throttling', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 429, retryAfterSeconds: 1, count: 2 });
    let calls = 0;
    const send = <T>(call: () => Promise<T>) => {
      calls += 1;
      return call();
    };
    expect(await step('kill', id, {}, { send })).toMatchObject({ outcome: 'done' });
    expect(calls).toBe(3);
  });

  it('gives up if it is always throttled', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 429, retryAfterSeconds: 0 });
    expect(await kill(id)).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('The sandbox service received too many requests. Try again shortly.'),
    });
    expect((await engine.detail(id)).status).toBe(200);
  });

  it('survives throttling, resets and false successes', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => engine.create()));
    for (const id of ids) {
      const route = `DELETE /sandboxes/${id}`;
      await engine.fault({ route, status: 429, retryAfterSeconds: 0, probability: 0.3 });
      await engine.fault({ route, status: 500, probability: 0.1 });
      await engine.fault({ route, reset: true, probability: 0.05 });
      await engine.fault({ route, effect: 'pretend-kill', probability: 0.05 });
    }
    const results = await Promise.all(ids.map(kill));
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['done']));
  });

  it.each([{ status: 503 }, { status: 429, retryAfterSeconds: 0 }, { reset: true }])(
    'that cannot be verified (%j) is unknown',
    async (fault) => {
      const id = await engine.create();
      expect(await step('kill', id, {}, { send: thenUnreadable(engine, id, fault) })).toEqual(unverified);
    },
  );

  it('is not sent if the sandbox cannot be read first', async () => {
    const id = await engine.create();
    const shown = await readOne(id);
    await engine.fault({ route: `GET /sandboxes/${id}`, status: 503, count: 50 });
    expect(await step('kill', id, {}, { shown, send: neverSent })).toEqual({
      outcome: 'failed',
      message: expect.stringContaining('The sandbox service cannot be reached or has a problem.'),
    });
  });

  it('counts as done if an earlier process may have sent it', async () => {
    expect(await step('kill', 'igone', {}, { mayHaveBeenSent: true })).toMatchObject({ outcome: 'done' });
    const id = await engine.create();
    expect(await step('kill', id, {}, { mayHaveBeenSent: true })).toMatchObject({ outcome: 'done' });
    expect((await engine.detail(id)).status).toBe(404);
  });
});

describe('a sandbox that has changed', () => {
  it.each(['kill', 'pause', 'setTimeout'] as const)('is skipped by %s', async (act) => {
    const id = await engine.create();
    const shown = await readOne(id);
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await engine.call('POST', `/sandboxes/${id}/resume`, { timeout: 300 });
    expect(await step(act, id, { timeoutMs: MINUTE_MS }, { shown, send: neverSent })).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was resumed in the meantime.',
      sandbox: { id },
    });
    expect((await engine.detail(id)).state).toBe('running');
  });

  it('is skipped if a newer reading arrives while it waits for a slot', async () => {
    const id = await engine.create();
    const shown = await readOne(id);
    const latest = () => ({ ...shown, state: 'paused' as const });
    const send: StepContext['send'] = async (call) => {
      await engine.call('POST', `/sandboxes/${id}/pause`);
      return call();
    };
    expect(await step('kill', id, {}, { shown, latest, send })).toMatchObject({
      outcome: 'skipped',
      message: 'Skipped: it was running and is now paused.',
    });
    expect((await engine.detail(id)).status).toBe(200);
  });

  it('is killed if a row of the fleet differs and a reading does not', async () => {
    const id = await engine.create();
    const shown = await readOne(id);
    const latest = () => ({ ...shown, state: 'unknown' as const });
    expect((await step('kill', id, {}, { shown, latest })).outcome).toBe('done');
  });
});

describe('a stopped step', () => {
  const stop = async (): Promise<never> => {
    throw new StepStopped();
  };

  it('is cancelled before the request', async () => {
    const id = await engine.create();
    expect(await step('kill', id, {}, { send: stop })).toEqual({ outcome: 'cancelled', message: null });
    expect((await engine.detail(id)).status).toBe(200);
  });

  it('follows a reading after an attempt', async () => {
    const [there, gone] = await Promise.all([engine.create(), engine.create()]);
    const onceThenStop = (): StepContext['send'] => {
      let sent = 0;
      return (call) => {
        sent += 1;
        return sent === 1 ? call() : stop();
      };
    };
    for (const id of [there, gone])
      await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 500, count: 1 });
    const [still, was] = await Promise.all([
      step('kill', there, {}, { send: onceThenStop() }),
      step(
        'kill',
        gone,
        {},
        {
          send: async (call) => {
            await call().catch(() => {});
            await engine.call('DELETE', `/sandboxes/${gone}`);
            return stop();
          },
        },
      ),
    ]);
    expect(still).toMatchObject({
      outcome: 'cancelled',
      message: expect.any(String),
      sandbox: { id: there },
    });
    // Stopped in the first attempt: the record only says cancelled.
    expect(was).toMatchObject({ outcome: 'cancelled' });
  });
});
