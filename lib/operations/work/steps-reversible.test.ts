import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, setUpEngine } from '../../test-support/environment';
import { readOne, step, thenUnreadable, unverified } from './test-steps';

const MINUTE_MS = 60_000;
// Faults are per sandbox, so that slow steps can run concurrently.
const engine = setUpEngine({ clearFaultsAfterEach: false });
const it = test.concurrent;

beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));
afterAll(() => void vi.restoreAllMocks());

describe('pause and resume', () => {
  it('are done when a reading confirms it', async () => {
    const id = await engine.create();
    expect(await step('pause', id, {})).toMatchObject({
      outcome: 'done',
      message: null,
      sandbox: { id, state: 'paused' },
    });
    expect(await step('resume', id, { timeoutMs: 10 * MINUTE_MS })).toMatchObject({
      outcome: 'done',
      message: null,
      sandbox: { id, state: 'running' },
    });
    const { startedAtMs, endAtMs } = await readOne(id);
    expect(Number(endAtMs) - Number(startedAtMs)).toBe(10 * MINUTE_MS);
  });

  it('resume sets five minutes by default', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await step('resume', id, {});
    const { startedAtMs, endAtMs } = await readOne(id);
    expect(Number(endAtMs) - Number(startedAtMs)).toBe(5 * MINUTE_MS);
  });

  it('resume keeps or sets the effect of the timeout', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    await step('resume', id, { timeoutMs: 1_000, autoPause: true });
    await eventually(async () => (await engine.detail(id)).state === 'paused');
  });

  it('report already', async () => {
    const id = await engine.create();
    expect(await step('resume', id, {})).toMatchObject({
      outcome: 'already',
      message: 'It was already running.',
    });
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await step('pause', id, {})).toMatchObject({
      outcome: 'already',
      message: 'It was already paused.',
      sandbox: { state: 'paused' },
    });
  });

  it('fail if the sandbox is gone', async () => {
    for (const act of ['pause', 'resume'] as const) {
      expect(await step(act, 'igone', {})).toEqual({
        outcome: 'failed',
        message: 'It was terminated in the meantime.',
        sandbox: null,
      });
    }
  });

  it('follow a reading after a 500', async () => {
    const [running, paused] = await Promise.all([engine.create(), engine.create()]);
    await engine.call('POST', `/sandboxes/${paused}/pause`);
    for (const id of [running, paused])
      await engine.fault({ route: `POST /sandboxes/${id}/pause`, status: 500 });
    expect(await step('pause', running, {})).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('The sandbox service cannot be reached or has a problem.'),
      sandbox: { state: 'running' },
    });
    expect(await step('pause', paused, {})).toMatchObject({ outcome: 'done' });
  });

  it('are unknown if they cannot be verified', async () => {
    const id = await engine.create();
    // Every reading fails.
    const send = thenUnreadable(engine, id, { status: 503, count: 5 });
    expect(await step('pause', id, {}, { send })).toEqual(unverified);
    expect((await engine.detail(id)).state).toBe('paused');
  });

  it('resume reports the quota', async () => {
    const id = await engine.create();
    await engine.fault({ route: `POST /sandboxes/${id}/resume`, status: 429 });
    expect(await step('resume', id, {})).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining(
        'The limit of concurrently running sandboxes is reached. Pause or kill one first.',
      ),
    });
  });
});

describe('setTimeout', () => {
  it('sets the deadline', async () => {
    const id = await engine.create();
    const result = await step('setTimeout', id, { timeoutMs: 20 * MINUTE_MS });
    expect(result).toMatchObject({ outcome: 'done', message: null, sandbox: { id } });
    expect(Math.abs((result.sandbox?.endAtMs ?? 0) - Date.now() - 20 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
  });

  it('reports a shorter granted time', async () => {
    const id = await engine.create();
    expect(await step('setTimeout', id, { timeoutMs: 600 * MINUTE_MS })).toMatchObject({
      outcome: 'partial',
      message: 'The service granted 60 min of 600 min.',
    });
  });

  it('adds time to the deadline that was shown, once', async () => {
    const id = await engine.create();
    const shown = await readOne(id);
    const params = { addMs: 10 * MINUTE_MS };
    for (const mayHaveBeenSent of [false, true]) {
      const result = await step('setTimeout', id, params, { shown, mayHaveBeenSent });
      expect(result).toMatchObject({ outcome: 'done', message: null });
      expect(Math.abs((result.sandbox?.endAtMs ?? 0) - (shown.endAtMs ?? 0) - 10 * MINUTE_MS)).toBeLessThan(
        4_000,
      );
    }
  });

  it('fails for a paused sandbox', async () => {
    const id = await engine.create();
    await engine.call('POST', `/sandboxes/${id}/pause`);
    expect(await step('setTimeout', id, { timeoutMs: MINUTE_MS })).toMatchObject({
      outcome: 'failed',
      message: 'A paused sandbox has no deadline. Resume it first.',
      sandbox: { state: 'paused' },
    });
  });

  it('fails if the sandbox is gone', async () => {
    expect(await step('setTimeout', 'igone', { timeoutMs: MINUTE_MS })).toEqual({
      outcome: 'failed',
      message: 'It was terminated in the meantime.',
      sandbox: null,
    });
  });

  it('follows a reading after a 500, or is unknown', async () => {
    const id = await engine.create();
    await engine.fault({ route: `POST /sandboxes/${id}/timeout`, status: 500 });
    expect(await step('setTimeout', id, { timeoutMs: 20 * MINUTE_MS })).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('The sandbox service cannot be reached or has a problem.'),
    });
    const send = thenUnreadable(engine, id, { status: 503 });
    expect(await step('setTimeout', id, { timeoutMs: 20 * MINUTE_MS }, { send })).toEqual(unverified);
  });
});
