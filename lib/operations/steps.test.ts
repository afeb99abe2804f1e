import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { getSandbox } from '../moru/control';
import { eventually, giveEngine } from '../test-support/house';
import { runStep } from './steps';

const MINUTE_MS = 60_000;
// Faults name their sandbox, so that the steps, of which some verify for seconds, can run side by side.
const engine = giveEngine({ clearFaultsAfterEach: false });
const it = test.concurrent;

beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterAll(() => void vi.restoreAllMocks());

const kill = (id: string) => runStep('kill', id, {});
const unverified = {
  outcome: 'unknown',
  message: 'It was sent, but what became of it could not be verified.',
};

describe('kill', () => {
  it('is done once a reading says that the sandbox is gone', async () => {
    const id = await engine.create();
    expect(await kill(id)).toEqual({ outcome: 'done', message: null, sandbox: null });
    expect((await engine.detail(id)).status).toBe(404);
  });

  it('reaches paused ones', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect((await kill(id)).outcome).toBe('done');
  });

  it('of one that is gone says so', async () => {
    expect(await kill('igone')).toEqual({
      outcome: 'already',
      message: 'It was already terminated.',
      sandbox: null,
    });
  });

  it('that the service only pretends has failed', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, effect: 'pretend-kill' });
    const result = await kill(id);
    expect(result).toMatchObject({
      outcome: 'failed',
      message: 'The service accepted the kill, but the sandbox is still there.',
      sandbox: { id, state: 'running' },
    });
  });

  it('that took effect although it was answered with 500 is done', async () => {
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
        message: 'The sandbox service cannot be reached or has a problem.',
        sandbox: { id },
      });
    },
  );

  it('that is not allowed is denied, and nothing is read in vain', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 403 });
    expect(await kill(id)).toEqual({
      outcome: 'denied',
      message: 'The sandbox service does not allow killing a sandbox.',
    });
  });

  it.each([
    [{ status: 401 }, 'The sandbox service refused the API key. Check MORU_API_KEY.'],
    [{ status: 409 }, 'The sandbox is in a state that does not allow killing a sandbox.'],
  ])('that is refused with %j has failed', async (fault, message) => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, ...fault });
    expect(await kill(id)).toEqual({ outcome: 'failed', message });
  });

  it('that comes too soon is tried again when it was asked to be', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 429, retryAfterSeconds: 1, count: 2 });
    const beganAtMs = Date.now();
    expect(await kill(id)).toMatchObject({ outcome: 'done' });
    expect(Date.now() - beganAtMs).toBeGreaterThanOrEqual(1_990);
  });

  it('that should wait for very long is given up, so that others need not', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 429, retryAfterSeconds: 3_600 });
    const beganAtMs = Date.now();
    expect(await kill(id)).toEqual({
      outcome: 'failed',
      message: 'The sandbox service asks us to slow down. Try again shortly.',
    });
    expect(Date.now() - beganAtMs).toBeLessThan(30_000);
  });

  it('that always comes too soon is given up in the end', async () => {
    const id = await engine.create();
    await engine.fault({ route: `DELETE /sandboxes/${id}`, status: 429, retryAfterSeconds: 0 });
    expect(await kill(id)).toMatchObject({ outcome: 'failed' });
    expect((await engine.detail(id)).status).toBe(200);
  });

  it.each([{ status: 503 }, { status: 429, retryAfterSeconds: 0 }, { reset: true }])(
    'that cannot be verified (%j) is unknown',
    async (fault) => {
      const id = await engine.create();
      await engine.fault({ route: `GET /sandboxes/${id}`, ...fault });
      expect(await kill(id)).toEqual(unverified);
    },
  );
});

describe('pause and resume', () => {
  it('are done once a reading says so', async () => {
    const id = await engine.create();
    expect(await runStep('pause', id, {})).toMatchObject({
      outcome: 'done',
      message: null,
      sandbox: { id, state: 'paused' },
    });
    expect(await runStep('resume', id, { timeoutMs: 10 * MINUTE_MS })).toMatchObject({
      outcome: 'done',
      message: null,
      sandbox: { id, state: 'running' },
    });
    const { startedAtMs, endAtMs } = await getSandbox(id);
    expect(endAtMs - startedAtMs).toBe(10 * MINUTE_MS);
  });

  it('resume gives five minutes unless told otherwise', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await runStep('resume', id, {});
    const { startedAtMs, endAtMs } = await getSandbox(id);
    expect(endAtMs - startedAtMs).toBe(5 * MINUTE_MS);
  });

  it('resume keeps or sets what happens at the end', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await runStep('resume', id, { timeoutMs: 1_000, autoPause: true });
    await eventually(async () => (await engine.detail(id)).state === 'paused');
  });

  it('say when it was so already', async () => {
    const id = await engine.create();
    expect(await runStep('resume', id, {})).toMatchObject({
      outcome: 'already',
      message: 'It was already running.',
    });
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await runStep('pause', id, {})).toMatchObject({
      outcome: 'already',
      message: 'It was already paused.',
      sandbox: { state: 'paused' },
    });
  });

  it('of one that is gone have failed', async () => {
    for (const act of ['pause', 'resume'] as const) {
      expect(await runStep(act, 'igone', {})).toMatchObject({
        outcome: 'failed',
        message: 'There is no such sandbox. It may have been terminated.',
      });
    }
  });

  it('that were answered with 500 are what a reading says', async () => {
    const [running, paused] = await Promise.all([engine.create(), engine.create()]);
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    for (const id of [running, paused])
      await engine.fault({ route: `POST /sandboxes/${id}/pause`, status: 500 });
    expect(await runStep('pause', running, {})).toMatchObject({
      outcome: 'failed',
      message: 'The sandbox service cannot be reached or has a problem.',
      sandbox: { state: 'running' },
    });
    expect(await runStep('pause', paused, {})).toMatchObject({ outcome: 'done' });
  });

  it('that cannot be verified are unknown, and are not sent twice', async () => {
    const id = await engine.create();
    await engine.fault({ route: `GET /sandboxes/${id}`, status: 429, retryAfterSeconds: 0, count: 1 });
    expect(await runStep('pause', id, {})).toEqual(unverified);
    expect((await engine.detail(id)).state).toBe('paused');
  });

  it('resume beyond the limit says what the limit is of', async () => {
    const id = await engine.create();
    await engine.fault({ route: `POST /sandboxes/${id}/resume`, status: 429 });
    expect(await runStep('resume', id, {})).toMatchObject({
      outcome: 'failed',
      message: 'The limit of concurrently running sandboxes is reached. Pause or kill one first.',
    });
  });
});

describe('setTimeout', () => {
  it('moves the deadline', async () => {
    const id = await engine.create();
    const result = await runStep('setTimeout', id, { timeoutMs: 20 * MINUTE_MS });
    expect(result).toMatchObject({ outcome: 'done', message: null, sandbox: { id } });
    expect(Math.abs((result.sandbox?.endAtMs ?? 0) - Date.now() - 20 * MINUTE_MS)).toBeLessThan(4_000);
  });

  it('says what was granted when that is less', async () => {
    const id = await engine.create();
    expect(await runStep('setTimeout', id, { timeoutMs: 600 * MINUTE_MS })).toMatchObject({
      outcome: 'done',
      message: 'The service granted 60 min, its maximum.',
    });
  });

  it('of a paused one says that it has none', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await runStep('setTimeout', id, { timeoutMs: MINUTE_MS })).toMatchObject({
      outcome: 'failed',
      message: 'A paused sandbox has no deadline. Resume it first.',
      sandbox: { state: 'paused' },
    });
  });

  it('of one that is gone has failed', async () => {
    expect(await runStep('setTimeout', 'igone', { timeoutMs: MINUTE_MS })).toEqual({
      outcome: 'failed',
      message: 'It was terminated meanwhile.',
      sandbox: null,
    });
  });

  it('that was answered with 500 is what a reading says, or unknown', async () => {
    const id = await engine.create();
    await engine.fault({ route: `POST /sandboxes/${id}/timeout`, status: 500 });
    expect(await runStep('setTimeout', id, { timeoutMs: 20 * MINUTE_MS })).toMatchObject({
      outcome: 'failed',
      message: 'The sandbox service cannot be reached or has a problem.',
    });
    await engine.fault({ route: `GET /sandboxes/${id}`, status: 503 });
    expect(await runStep('setTimeout', id, { timeoutMs: 20 * MINUTE_MS })).toEqual(unverified);
  });
});
