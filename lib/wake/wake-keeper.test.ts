import { describe, expect, it } from 'vitest';
import { database } from '../db/client';
import { idOf } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, thrownBy } from '../test-support/environment';
import { findLease } from './store';
import {
  ANA,
  auditLog,
  GRACE_MS,
  GUARDED,
  MAREK,
  MINUTE_MS,
  openKeeper,
  openPage,
  PAUSE,
  RESUME,
  setUpSandboxes,
} from './test-wake';

const { engine, create, createPaused, post, kill, detail, stateOf, leftMs, fired } = setUpSandboxes();

describeOnDatabases('a wake', () => {
  describe('starting', () => {
    it('requests a pausing timeout of a unique length and reports it', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      expect(page.states).toEqual([{ kind: 'none' }]);
      expect(await keeper.wake(ANA, key, 5 * MINUTE_MS)).toBe('woken');
      const leftNowMs = await leftMs(key);
      expect(leftNowMs).toBeGreaterThan(4.5 * MINUTE_MS);
      expect(leftNowMs).toBeLessThan(5 * MINUTE_MS - 3_000);
      const { endAt } = await detail(key);
      expect(page.states).toEqual([
        { kind: 'none' },
        { kind: 'waking', by: 'ana', problem: null },
        {
          kind: 'awake',
          by: 'ana',
          endsAtMs: Date.parse(endAt),
          isGuarded: true,
          viewers: [{ actor: 'ana', isYou: true }],
        },
      ]);
      await expect.poll(() => auditLog(key)).toEqual([`ana | review-woken | For 5 min${GUARDED}`]);
      await post(key, 'timeout', { timeout: 0 });
      await page.ended('elsewhere');
      expect(await stateOf(key)).toBe('paused');
    });

    it('leaves a running sandbox alone, even if only the refusal shows that it runs', async () => {
      const { keeper } = await openKeeper();
      const running = await create();
      const before = await detail(running);
      expect(await keeper.wake(ANA, running, 5 * MINUTE_MS)).toBe('running');
      expect(await detail(running)).toEqual(before);
      const paused = await createPaused();
      await engine.fault({ route: RESUME, status: 409 });
      const page = openPage(keeper, paused);
      expect(await keeper.wake(ANA, paused, 5 * MINUTE_MS)).toBe('running');
      expect(page.now()).toEqual({ kind: 'none' });
      expect([await findLease(running), await findLease(paused)]).toEqual([null, null]);
      expect([await auditLog(running), await auditLog(paused)]).toEqual([[], []]);
    });

    it.each([
      [429, 'quota', 'The limit of concurrently running sandboxes is reached. Pause or kill one first.'],
      [404, 'not_offered', 'The sandbox exists, but the service did not find it for this action.'],
      [405, 'not_offered', 'The sandbox service does not offer resuming a sandbox.'],
      [400, 'invalid', 'The sandbox service does not allow that long. Choose a shorter time.'],
    ])('drops the lease and reports the reason when refused with %i', async (status, code, message) => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await engine.fault({ route: RESUME, status });
      expect(await thrownBy(() => keeper.wake(ANA, key, 5 * MINUTE_MS))).toMatchObject({ code, message });
      expect(page.now()).toEqual({ kind: 'none' });
      expect(await findLease(key)).toBeNull();
    });

    it('retries after a failure, whether or not it took effect', async () => {
      const { keeper } = await openKeeper();
      for (const fault of [{ status: 500 }, { effect: 'fail-late' as const }]) {
        const key = await createPaused();
        await engine.fault({ route: RESUME, count: 1, ...fault });
        const page = openPage(keeper, key);
        expect(await keeper.wake(ANA, key, 5 * MINUTE_MS)).toBe('woken');
        expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: true });
        expect(await leftMs(key)).toBeGreaterThan(4 * MINUTE_MS);
      }
    });

    it('rereads an uncertain wake until the state is known', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await engine.fault({ route: RESUME, effect: 'fail-late', count: 1 });
      const waking = keeper.wake(ANA, key, 5 * MINUTE_MS);
      await eventually(async () => (await stateOf(key)) === 'running');
      await engine.fault({ route: `GET /sandboxes/${idOf(key)}`, status: 500 });
      expect(await thrownBy(() => waking)).toMatchObject({ code: 'unavailable' });
      expect(page.now()).toEqual({
        kind: 'waking',
        by: 'ana',
        problem: 'The sandbox service cannot be reached or has a problem.',
      });
      await engine.clearFaults();
      await eventually(() => page.now()?.kind === 'awake');
      expect(page.now()).toMatchObject({ isGuarded: true });
    });

    it('joins simultaneous requests into one wake', async () => {
      const key = await createPaused();
      const [here, there] = [await openKeeper(), await openKeeper()];
      const pages = [
        openPage(here.keeper, key),
        openPage(here.keeper, key, MAREK),
        openPage(there.keeper, key, MAREK),
      ];
      await engine.fault({ route: RESUME, latencyMs: 300 });
      const results = await Promise.all([
        here.keeper.wake(ANA, key, 5 * MINUTE_MS),
        here.keeper.wake(MAREK, key, 15 * MINUTE_MS),
        there.keeper.wake(MAREK, key, 60 * MINUTE_MS),
      ]);
      expect(results.toSorted()).toEqual(['joined', 'joined', 'woken']);
      expect(await fired(RESUME)).toBe(1);
      for (const page of pages) await eventually(() => page.now()?.kind === 'awake');
    });

    it('refuses to start while the sandbox is being paused', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      expect(await thrownBy(() => keeper.endNow(ANA, key))).toMatchObject({ code: 'unavailable' });
      expect(await thrownBy(() => keeper.wake(ANA, key, 5 * MINUTE_MS))).toMatchObject({
        code: 'conflict',
        message: 'The sandbox is being paused. Try again in a moment.',
      });
    });
  });

  describe('extending', () => {
    it('moves the deadline and records it', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      const before = await leftMs(key);
      const grantedMs = await keeper.extend(MAREK, key, 15 * MINUTE_MS);
      expect(Math.abs(grantedMs - 15 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
      expect(Math.abs((await leftMs(key)) - before - 15 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
      expect(page.now()).toMatchObject({ endsAtMs: Date.parse((await detail(key)).endAt) });
      await expect.poll(() => auditLog(key)).toContain('marek | review-extended | By 15 min');
      expect(page.now()).toMatchObject({ isGuarded: true });
    });

    it('returns the time that the service granted', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      openPage(keeper, key);
      await keeper.wake(ANA, key, 60 * MINUTE_MS);
      expect(await keeper.extend(ANA, key, 15 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
      expect(await leftMs(key)).toBeLessThan(60 * MINUTE_MS);
    });

    it('is refused when the wake is over', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const over = { code: 'conflict', message: 'This wake is over.' };
      expect(await thrownBy(() => keeper.extend(ANA, key, MINUTE_MS))).toMatchObject(over);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await post(key, 'pause');
      expect(await thrownBy(() => keeper.extend(ANA, key, MINUTE_MS))).toMatchObject(over);
      expect(await stateOf(key)).toBe('paused');
    });

    it('follows a deadline set by another client', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await post(key, 'timeout', { timeout: 1_200 });
      const endsAtMs = Date.parse((await detail(key)).endAt);
      await eventually(() => {
        const state = page.now();
        return state?.kind === 'awake' && state.endsAtMs === endsAtMs;
      });
    });
  });

  describe('ending', () => {
    it('pauses at once for every viewer on request', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const [ana, marek] = [openPage(keeper, key), openPage(keeper, key, MAREK)];
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await keeper.endNow(MAREK, key);
      expect(await stateOf(key)).toBe('paused');
      expect(ana.states.slice(-2)).toEqual([
        { kind: 'pausing', how: 'asked', by: 'marek', byId: 'user-marek', problem: null },
        {
          kind: 'ended',
          how: 'asked',
          by: 'marek',
          byId: 'user-marek',
          note: null,
          atMs: expect.any(Number),
        },
      ]);
      expect(marek.now()).toEqual(ana.now());
      await expect
        .poll(async () => (await auditLog(key)).at(-1))
        .toBe('marek | review-paused | For all viewers');
      expect(await thrownBy(() => keeper.endNow(ANA, key))).toMatchObject({ code: 'conflict' });
    });

    it('leaves the pause to the timeout when the time is up', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      await post(key, 'timeout', { timeout: 3 });
      await eventually(async () => {
        const state = page.now();
        return state?.kind === 'awake' && state.endsAtMs < Date.now() + 10_000;
      });
      await page.ended('time');
      expect(await stateOf(key)).toBe('paused');
      expect(await fired(PAUSE)).toBe(0);
      await expect.poll(async () => (await auditLog(key)).at(-1)).toBe('– | review-paused | Its time was up');
    });

    it('ends when another client pauses, kills or resumes the sandbox, and leaves it alone', async () => {
      const { keeper } = await openKeeper();
      const [paused, killed, taken] = [await createPaused(), await createPaused(), await createPaused()];
      const pages = [paused, killed, taken].map((key) => openPage(keeper, key));
      for (const key of [paused, killed, taken]) await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await post(paused, 'pause');
      await kill(killed);
      // Delays the reading, which must not see the pause alone.
      await engine.fault({ route: `GET /sandboxes/${idOf(taken)}`, latencyMs: 700, count: 2 });
      await post(taken, 'pause');
      await post(taken, 'connect', { timeout: 300 });
      await pages[0]?.ended('elsewhere');
      await pages[1]?.ended('gone');
      await pages[2]?.ended('taken');
      for (const page of pages) page.leave();
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 3));
      expect([await stateOf(paused), await stateOf(killed), await stateOf(taken)]).toEqual([
        'paused',
        'gone',
        'running',
      ]);
      expect((await auditLog(taken)).at(-1)).toBe(
        '– | review-ended | Resumed outside Sandkeeper, and left alone',
      );
    });

    it('does not pause a lifetime that another client has just started', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await post(key, 'pause');
      await post(key, 'connect', { timeout: 300 });
      // The keeper may have noticed the pause or the resume already.
      await keeper.endNow(ANA, key).catch(() => {});
      expect(page.now()).toMatchObject({ kind: 'ended', how: expect.stringMatching(/^(taken|elsewhere)$/) });
      expect(await stateOf(key)).toBe('running');
    });

    it('retries a failed pause and notes that the state may be older', async () => {
      const { keeper } = await openKeeper();
      const [failing, late] = [await createPaused(), await createPaused()];
      const pages = [openPage(keeper, failing), openPage(keeper, late)];
      for (const key of [failing, late]) await keeper.wake(ANA, key, 5 * MINUTE_MS);
      await engine.fault({ route: `POST /sandboxes/${idOf(failing)}/pause`, status: 500, count: 2 });
      await engine.fault({ route: `POST /sandboxes/${idOf(late)}/pause`, effect: 'fail-late' });
      expect(await thrownBy(() => keeper.endNow(ANA, failing))).toMatchObject({
        code: 'unavailable',
        message:
          'The sandbox is not paused yet. Sandkeeper is retrying. The sandbox service cannot be reached or has a problem. The service says: “Injected fault”.',
      });
      expect(pages[0]?.now()).toMatchObject({
        kind: 'pausing',
        problem:
          'The sandbox service cannot be reached or has a problem. The service says: “Injected fault”.',
      });
      await keeper.endNow(ANA, late);
      expect(pages[1]?.now()).toMatchObject({
        how: 'asked',
        note: 'The service reported a failure with the pause, so the sandbox may be in its state from before the wake.',
      });
      await pages[0]?.ended('asked');
      expect(pages[0]?.now()).toMatchObject({ by: 'ana', note: null });
      expect(await stateOf(failing)).toBe('paused');
    });
  });

  describe('an unguarded wake', () => {
    async function wakeUnguarded() {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const page = openPage(keeper, key);
      await engine.fault({ route: RESUME, effect: 'lose-race', count: 1 });
      expect(await keeper.wake(ANA, key, 5 * MINUTE_MS)).toBe('woken');
      return { key, keeper, page };
    }

    it('is reported, and its deadline is postponed', async () => {
      const { key, keeper, page } = await wakeUnguarded();
      expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: false });
      await expect
        .poll(() => auditLog(key))
        .toEqual(['ana | review-woken | For 5 min; another client resumed it at the same time']);
      const state = page.now();
      const endsAtMs = state?.kind === 'awake' ? state.endsAtMs : 0;
      expect(Date.now() + (await leftMs(key)) - endsAtMs).toBeGreaterThan(MINUTE_MS - 2_500);
      await post(key, 'timeout', { timeout: 20 });
      await eventually(async () => (await leftMs(key)) > 5 * MINUTE_MS);
      await keeper.extend(ANA, key, 15 * MINUTE_MS);
      expect(page.now()).toMatchObject({ isGuarded: false });
      expect(await leftMs(key)).toBeGreaterThan(20 * MINUTE_MS);
    });

    it('ends in our own pause well before its deadline', async () => {
      const { key, page } = await wakeUnguarded();
      const db = await database();
      await db
        .updateTable('wake_leases')
        .set({ ends_at_ms: Date.now() + 1_000 })
        .where('sandbox_key', '=', key)
        .execute();
      await page.ended('time');
      expect(await stateOf(key)).toBe('paused');
    });

    it('ends when the last viewer leaves', async () => {
      const { key, page } = await wakeUnguarded();
      page.leave();
      await eventually(async () => (await stateOf(key)) === 'paused');
      await eventually(async () => (await findLease(key))?.ending?.how === 'left');
    });
  });
});
