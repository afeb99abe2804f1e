import { describe, expect, it } from 'vitest';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, thrownBy } from '../test-support/environment';
import { beginLease, findLease, type WakeLease } from './store';
import {
  ANA,
  crash,
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

const { engine, createPaused, post, stateOf } = giveSandboxes();

describeOnDatabases('the review of a paused sandbox is shared', () => {
  describe('viewers', () => {
    it('share it: the first who leaves leaves it awake, the last one ends it after the grace', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const ana = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      const marek = look(keeper, id, MAREK);
      await eventually(async () => (await record(id)).includes('marek | review-joined'));
      expect(marek.now()).toMatchObject({
        viewers: [
          { actor: 'marek', isYou: true },
          { actor: 'ana', isYou: false },
        ],
      });
      ana.leave();
      expect(marek.now()).toMatchObject({ viewers: [{ actor: 'marek', isYou: true }] });
      await eventually(async () => (await record(id)).includes('ana | review-left'), GRACE_MS + 3_000);
      expect(await stateOf(id)).toBe('running');
      const leftAtMs = Date.now();
      marek.leave();
      await eventually(async () => (await stateOf(id)) === 'paused');
      expect(Date.now() - leftAtMs).toBeGreaterThan(GRACE_MS - 100);
      await eventually(async () => (await findLease(id))?.state === 'ended');
      expect(await record(id)).toEqual([
        `ana | review-woken | For 5 min${FROM_NOW_ON}`,
        'marek | review-joined',
        'ana | review-left',
        'marek | review-left',
        '– | review-paused | Nobody was looking any more',
      ]);
      expect(look(keeper, id).now()).toMatchObject({ kind: 'ended', how: 'left', by: null, note: null });
    });

    it('may reload: whoever is back within the grace was never away', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const first = look(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      for (let reloads = 0; reloads < 3; reloads += 1) {
        first.leave();
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.5));
        const again = look(keeper, id);
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.6));
        again.leave();
      }
      look(keeper, id);
      expect(await stateOf(id)).toBe('running');
      expect(await record(id)).toEqual([`ana | review-woken | For 5 min${FROM_NOW_ON}`]);
    });

    it('who may not read the files keep nothing awake', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const li = look(keeper, id, { actor: 'li', id: 'session-of-li' }, false);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      expect(li.now()).toMatchObject({ kind: 'awake', viewers: [] });
      await li.ended('left');
    });

    it('count whichever process they look through', async () => {
      const id = await createPaused();
      const [here, there] = [await openKeeper(), await openKeeper()];
      const ana = look(here.keeper, id);
      const marek = look(there.keeper, id, MAREK);
      await here.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await eventually(() => {
        const state = ana.now();
        return state?.kind === 'awake' && state.viewers.length === 2;
      });
      ana.leave();
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 2_000));
      expect(await stateOf(id)).toBe('running');
      marek.leave();
      await eventually(async () => (await stateOf(id)) === 'paused', 25_000);
    });

    it('of a place that no sandbox can be are told nothing', async () => {
      const { keeper } = await openKeeper();
      expect(look(keeper, '../etc').states).toEqual([]);
    });
  });

  describe('after a crash', () => {
    it('it goes on where viewers return, and ends where none do', async () => {
      const [watched, left] = [await createPaused(), await createPaused()];
      const first = await openKeeper({ claimMs: 600 });
      for (const id of [watched, left]) {
        look(first.keeper, id);
        await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      }
      await crash(first.keeper, watched);
      const second = await openKeeper();
      const page = look(second.keeper, watched);
      await eventually(async () => (await findLease(watched))?.claimedBy === second.owner);
      await eventually(async () => (await stateOf(left)) === 'paused', 20_000);
      expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: true });
      await eventually(async () => (await record(left)).length === 2);
      expect((await record(left)).at(-1)).toBe('– | review-paused | Nobody was looking any more');
      expect((await record(watched)).at(-1)).toBe('ana | review-joined');
      expect(await stateOf(watched)).toBe('running');
    });

    it('on this machine a dead process is not waited for', async () => {
      const id = await createPaused();
      const first = await openKeeper({ owner: 'here/999999999/a', claimMs: 10 * MINUTE_MS });
      await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await crash(first.keeper, id);
      const second = await openKeeper({ owner: 'here/1/b', isShared: false });
      await eventually(async () => (await findLease(id))?.claimedBy === second.owner);
    });

    it('a wake that was under way is found out about', async () => {
      const [woke, other, gone] = [await createPaused(), await createPaused(), await createPaused()];
      const lease = (id: string, begunAtMs = Date.now()): WakeLease => ({
        id: `lease-${id}`,
        sandboxId: id,
        state: 'waking',
        actor: 'ana',
        begunAtMs,
        timeoutMs: 287_000,
        isGuarded: false,
        runStartedAtMs: 0,
        endsAtMs: 0,
        ending: null,
        problem: null,
        claimedBy: 'dead',
        claimedUntilMs: 0,
      });
      const asleep = await createPaused();
      for (const id of [woke, other, gone]) expect(await beginLease(lease(id))).toBe(true);
      await beginLease(lease(asleep, Date.now() - 40_000));
      await post(woke, 'resume', { timeout: 287, autoPause: true });
      await post(other, 'connect', { timeout: 300 });
      await engine.call('DELETE', `/sandboxes/${gone}`);
      const { keeper } = await openKeeper();
      const pages = [woke, other, gone, asleep].map((id) => look(keeper, id));
      await eventually(() => pages[0]?.now()?.kind === 'awake');
      await pages[1]?.ended('taken');
      await pages[2]?.ended('gone');
      await pages[3]?.ended('unwoken');
      expect(await stateOf(other)).toBe('running');
      expect(await record(woke)).toContain(
        `ana | review-woken | Found awake after its wake was not answered${FROM_NOW_ON}`,
      );
    });

    it('a pause that was under way is finished', async () => {
      const id = await createPaused();
      const first = await openKeeper({ claimMs: 600 });
      await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      await thrownBy(() => first.keeper.endNow(MAREK, id));
      await crash(first.keeper, id);
      await engine.clearFaults();
      const { keeper } = await openKeeper();
      await look(keeper, id).ended('asked');
      expect((await record(id)).at(-1)).toMatch(/^marek \| review-paused/);
      expect(await stateOf(id)).toBe('paused');
    });
  });

  describe('work of ours', () => {
    const input = (sandboxId: string) => ({
      sandboxId,
      actor: 'ana',
      why: 'to save its files',
      timeoutMs: 5 * MINUTE_MS,
    });

    it('finds it awake and leaves it paused, also when it fails', async () => {
      const { keeper } = await openKeeper();
      const id = await createPaused();
      expect(await keeper.withWake(input(id), () => stateOf(id))).toBe('running');
      expect(await stateOf(id)).toBe('paused');
      expect(await record(id)).toEqual([
        `ana | review-woken | For 5 min, to save its files${FROM_NOW_ON}`,
        'ana | review-paused | What it was woken for was done',
      ]);
      const failing = keeper.withWake(input(id), () => Promise.reject(new Error('disk full')));
      await expect(failing).rejects.toThrow('disk full');
      expect(await stateOf(id)).toBe('paused');
    });

    it('outlasts the grace', async () => {
      const { keeper } = await openKeeper();
      const id = await createPaused();
      const state = keeper.withWake(input(id), async () => {
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 2_500));
        return stateOf(id);
      });
      expect(await state).toBe('running');
    });

    it('leaves one alone that somebody else runs or looks at', async () => {
      const { keeper } = await openKeeper();
      const running = await engine.create();
      const before = await engine.detail(running);
      expect(await keeper.withWake(input(running), () => stateOf(running))).toBe('running');
      expect(await engine.detail(running)).toEqual(before);
      const reviewed = await createPaused();
      const page = look(keeper, reviewed, MAREK);
      await keeper.wake(MAREK, reviewed, 5 * MINUTE_MS);
      await keeper.withWake(input(reviewed), async () => {});
      expect(page.now()).toMatchObject({ kind: 'awake', viewers: [{ actor: 'marek', isYou: true }] });
      expect(await stateOf(reviewed)).toBe('running');
    });

    it('is not begun where it cannot be woken', async () => {
      const { keeper } = await openKeeper();
      const id = await createPaused();
      await engine.fault({ route: RESUME, status: 429 });
      const begun: string[] = [];
      const thrown = await thrownBy(() => keeper.withWake(input(id), async () => void begun.push(id)));
      expect(thrown).toMatchObject({ code: 'quota' });
      expect(begun).toEqual([]);
    });
  });
});
