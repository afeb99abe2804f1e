import { describe, expect, it } from 'vitest';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, thrownBy } from '../test-support/environment';
import { findLease } from './store';
import {
  ANA,
  FROM_NOW_ON,
  GRACE_MS,
  giveSandboxes,
  look,
  MAREK,
  MINUTE_MS,
  openKeeper,
  PAUSE,
  RESUME,
  record,
} from './test-wake';

const { engine, createPaused, post, stateOf, leftMs, fired } = giveSandboxes();

describeOnDatabases('the review of a paused sandbox', () => {
  describe('waking it', () => {
    it('asks for a time-out that pauses, of a length that nobody else asks for, and says so', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      expect(page.states).toEqual([{ kind: 'none' }]);
      expect(await keeper.wake(ANA, id, 5 * MINUTE_MS)).toBe('woken');
      const leftNowMs = await leftMs(id);
      expect(leftNowMs).toBeGreaterThan(4.5 * MINUTE_MS);
      expect(leftNowMs).toBeLessThan(5 * MINUTE_MS - 3_000);
      const { endAt } = await engine.detail(id);
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
      expect(await record(id)).toEqual([`ana | review-woken | For 5 min${FROM_NOW_ON}`]);
      await post(id, 'timeout', { timeout: 0 });
      await page.ended('elsewhere');
      expect(await stateOf(id)).toBe('paused');
    });

    it('leaves one alone that runs, also when that is only found out by the refusal', async () => {
      const { keeper } = await openKeeper();
      const running = await engine.create();
      const before = await engine.detail(running);
      expect(await keeper.wake(ANA, running, 5 * MINUTE_MS)).toBe('running');
      expect(await engine.detail(running)).toEqual(before);
      const paused = await createPaused();
      await engine.fault({ route: RESUME, status: 409 });
      const page = look(keeper, paused);
      expect(await keeper.wake(ANA, paused, 5 * MINUTE_MS)).toBe('running');
      expect(page.now()).toEqual({ kind: 'none' });
      expect([await findLease(running), await findLease(paused)]).toEqual([null, null]);
      expect([await record(running), await record(paused)]).toEqual([[], []]);
    });

    it.each([
      [429, 'quota', 'The limit of concurrently running sandboxes is reached. Pause or kill one first.'],
      [404, 'not_found', 'There is no such sandbox. It may have been terminated.'],
      [400, 'invalid', 'The sandbox service does not allow as long as that. Choose a shorter time.'],
    ])('that is refused with %i is over, and says why', async (status, code, message) => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await engine.fault({ route: RESUME, status });
      expect(await thrownBy(() => keeper.wake(ANA, id, 5 * MINUTE_MS))).toMatchObject({ code, message });
      expect(page.now()).toEqual({ kind: 'none' });
      expect(await findLease(id)).toBeNull();
    });

    it('goes on after a failure that did nothing, and after one that did it', async () => {
      const { keeper } = await openKeeper();
      for (const fault of [{ status: 500 }, { effect: 'fail-late' as const }]) {
        const id = await createPaused();
        await engine.fault({ route: RESUME, count: 1, ...fault });
        const page = look(keeper, id);
        expect(await keeper.wake(ANA, id, 5 * MINUTE_MS)).toBe('woken');
        expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: true });
        expect(await leftMs(id)).toBeGreaterThan(4 * MINUTE_MS);
      }
    });

    it('that nobody could follow is looked into until it is clear', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await engine.fault({ route: RESUME, effect: 'fail-late', count: 1 });
      const waking = keeper.wake(ANA, id, 5 * MINUTE_MS);
      await eventually(async () => (await stateOf(id)) === 'running');
      await engine.fault({ route: `GET /sandboxes/${id}`, status: 500 });
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

    it('is one wake for two who ask in the same moment', async () => {
      const id = await createPaused();
      const [here, there] = [await openKeeper(), await openKeeper()];
      const pages = [look(here.keeper, id), look(here.keeper, id, MAREK), look(there.keeper, id, MAREK)];
      await engine.fault({ route: RESUME, latencyMs: 300 });
      const results = await Promise.all([
        here.keeper.wake(ANA, id, 5 * MINUTE_MS),
        here.keeper.wake(MAREK, id, 15 * MINUTE_MS),
        there.keeper.wake(MAREK, id, 60 * MINUTE_MS),
      ]);
      expect(results.toSorted()).toEqual(['joined', 'joined', 'woken']);
      expect(await fired(RESUME)).toBe(1);
      for (const page of pages) await eventually(() => page.now()?.kind === 'awake');
    });

    it('waits until a pause that is under way is over', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      expect(await thrownBy(() => keeper.endNow(ANA, id))).toMatchObject({ code: 'unavailable' });
      expect(await thrownBy(() => keeper.wake(ANA, id, 5 * MINUTE_MS))).toMatchObject({
        code: 'conflict',
        message: 'It is being paused at this moment. Try again once it is.',
      });
    });
  });

  describe('more time', () => {
    it('is added by a deliberate click', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      const before = await leftMs(id);
      const grantedMs = await keeper.extend(MAREK, id, 15 * MINUTE_MS);
      expect(Math.abs(grantedMs - 15 * MINUTE_MS)).toBeLessThan(2_000);
      expect(Math.abs((await leftMs(id)) - before - 15 * MINUTE_MS)).toBeLessThan(3_000);
      expect(page.now()).toMatchObject({ endsAtMs: Date.parse((await engine.detail(id)).endAt) });
      expect(await record(id)).toContain('marek | review-extended | By 15 min');
      expect(page.now()).toMatchObject({ isGuarded: true });
    });

    it('is what the service grants, and no more', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      look(keeper, id);
      await keeper.wake(ANA, id, 60 * MINUTE_MS);
      expect(await keeper.extend(ANA, id, 15 * MINUTE_MS)).toBeLessThan(30_000);
      expect(await leftMs(id)).toBeLessThan(60 * MINUTE_MS);
    });

    it('is not to be had when the review is over', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const over = { code: 'conflict', message: 'This review is over.' };
      expect(await thrownBy(() => keeper.extend(ANA, id, MINUTE_MS))).toMatchObject(over);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await post(id, 'pause');
      expect(await thrownBy(() => keeper.extend(ANA, id, MINUTE_MS))).toMatchObject(over);
      expect(await stateOf(id)).toBe('paused');
    });

    it('set by others is followed', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await post(id, 'timeout', { timeout: 1_200 });
      const endsAtMs = Date.parse((await engine.detail(id)).endAt);
      await eventually(() => {
        const state = page.now();
        return state?.kind === 'awake' && state.endsAtMs === endsAtMs;
      });
    });
  });

  describe('it ends', () => {
    it('at once for everybody when somebody says so', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const [ana, marek] = [look(keeper, id), look(keeper, id, MAREK)];
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await keeper.endNow(MAREK, id);
      expect(await stateOf(id)).toBe('paused');
      expect(ana.states.slice(-2)).toEqual([
        { kind: 'pausing', how: 'asked', by: 'marek', problem: null },
        { kind: 'ended', how: 'asked', by: 'marek', note: null, atMs: expect.any(Number) },
      ]);
      expect(marek.now()).toEqual(ana.now());
      expect((await record(id)).at(-1)).toBe('marek | review-paused | At once, for everybody');
      expect(await thrownBy(() => keeper.endNow(ANA, id))).toMatchObject({ code: 'conflict' });
    });

    it('when its time is up, by its own time-out', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      await post(id, 'timeout', { timeout: 3 });
      await eventually(async () => {
        const state = page.now();
        return state?.kind === 'awake' && state.endsAtMs < Date.now() + 10_000;
      });
      await page.ended('time');
      expect(await stateOf(id)).toBe('paused');
      expect(await fired(PAUSE)).toBe(0);
      expect((await record(id)).at(-1)).toBe('– | review-paused | Its time was up');
    });

    it('when others pause, kill, or take it, and what is theirs is left alone', async () => {
      const { keeper } = await openKeeper();
      const [paused, killed, taken] = [await createPaused(), await createPaused(), await createPaused()];
      const pages = [paused, killed, taken].map((id) => look(keeper, id));
      for (const id of [paused, killed, taken]) await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await post(paused, 'pause');
      await engine.call('DELETE', `/sandboxes/${killed}`);
      await post(taken, 'pause');
      await post(taken, 'connect', { timeout: 300 });
      await pages[0]?.ended('elsewhere');
      await pages[1]?.ended('gone');
      await pages[2]?.ended('taken');
      for (const page of pages) page.leave();
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 1_500));
      expect([await stateOf(paused), await stateOf(killed), await stateOf(taken)]).toEqual([
        'paused',
        'gone',
        'running',
      ]);
      expect((await record(taken)).at(-1)).toBe(
        '– | review-ended | It was paused and resumed by other means, so it was left alone',
      );
    });

    it('does not pause the run of somebody who took it a moment ago', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await post(id, 'pause');
      await post(id, 'connect', { timeout: 300 });
      // It may have been noticed already, the one or the other.
      await keeper.endNow(ANA, id).catch(() => {});
      expect(page.now()).toMatchObject({ kind: 'ended', how: expect.stringMatching(/^(taken|elsewhere)$/) });
      expect(await stateOf(id)).toBe('running');
    });

    it('although the service fails for a while, and says what that may mean', async () => {
      const { keeper } = await openKeeper();
      const [failing, late] = [await createPaused(), await createPaused()];
      const pages = [look(keeper, failing), look(keeper, late)];
      for (const id of [failing, late]) await keeper.wake(ANA, id, 5 * MINUTE_MS);
      await engine.fault({ route: `POST /sandboxes/${failing}/pause`, status: 500, count: 2 });
      await engine.fault({ route: `POST /sandboxes/${late}/pause`, effect: 'fail-late' });
      expect(await thrownBy(() => keeper.endNow(ANA, failing))).toMatchObject({
        code: 'unavailable',
        message:
          'It is not paused yet, and this is tried again. The sandbox service cannot be reached or has a problem.',
      });
      expect(pages[0]?.now()).toMatchObject({
        kind: 'pausing',
        problem: 'The sandbox service cannot be reached or has a problem.',
      });
      await keeper.endNow(ANA, late);
      expect(pages[1]?.now()).toMatchObject({
        how: 'asked',
        note: 'The service reported a failure with the pause, so it may be as it was before the review.',
      });
      await pages[0]?.ended('asked');
      expect(pages[0]?.now()).toMatchObject({ by: 'ana', note: null });
      expect(await stateOf(failing)).toBe('paused');
    });
  });

  describe('a join of another wake', () => {
    async function wakeUnguarded() {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const page = look(keeper, id);
      await engine.fault({ route: RESUME, effect: 'lose-race', count: 1 });
      expect(await keeper.wake(ANA, id, 5 * MINUTE_MS)).toBe('woken');
      return { id, keeper, page };
    }

    it('is noticed and said, and its deadline is kept away', async () => {
      const { id, keeper, page } = await wakeUnguarded();
      expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: false });
      expect(await record(id)).toEqual([
        'ana | review-woken | For 5 min; another client started it in the same moment',
      ]);
      const state = page.now();
      const endsAtMs = state?.kind === 'awake' ? state.endsAtMs : 0;
      expect(Date.now() + (await leftMs(id)) - endsAtMs).toBeGreaterThan(MINUTE_MS - 2_500);
      await post(id, 'timeout', { timeout: 20 });
      await eventually(async () => (await leftMs(id)) > 5 * MINUTE_MS);
      await keeper.extend(ANA, id, 15 * MINUTE_MS);
      expect(page.now()).toMatchObject({ isGuarded: false });
      expect(await leftMs(id)).toBeGreaterThan(20 * MINUTE_MS);
    });

    it('ends in our own pause, well before its deadline', async () => {
      const { id, page } = await wakeUnguarded();
      const db = await database();
      await db
        .updateTable('review_leases')
        .set({ ends_at_ms: Date.now() + 1_000 })
        .where('sandbox_id', '=', id)
        .execute();
      await page.ended('time');
      expect(await stateOf(id)).toBe('paused');
    });

    it('ends when nobody looks', async () => {
      const { id, page } = await wakeUnguarded();
      page.leave();
      await eventually(async () => (await stateOf(id)) === 'paused');
      await eventually(async () => (await findLease(id))?.ending?.how === 'left');
    });
  });
});
