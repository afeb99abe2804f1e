import { describe, expect, it } from 'vitest';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, thrownBy } from '../test-support/environment';
import { beginLease, findLease, type WakeLease } from './store';
import {
  ANA,
  auditLog,
  crash,
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

const { engine, createPaused, post, stateOf } = setUpSandboxes();

describeOnDatabases('a shared wake', () => {
  describe('viewers', () => {
    it('keep it awake until the grace period after the last one leaves', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const ana = openPage(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      const marek = openPage(keeper, id, MAREK);
      await eventually(async () => (await auditLog(id)).includes('marek | review-joined'));
      expect(marek.now()).toMatchObject({
        viewers: [
          { actor: 'marek', isYou: true },
          { actor: 'ana', isYou: false },
        ],
      });
      ana.leave();
      expect(marek.now()).toMatchObject({ viewers: [{ actor: 'marek', isYou: true }] });
      await eventually(async () => (await auditLog(id)).includes('ana | review-left'), GRACE_MS + 3_000);
      expect(await stateOf(id)).toBe('running');
      const leftAtMs = Date.now();
      marek.leave();
      await eventually(async () => (await stateOf(id)) === 'paused');
      expect(Date.now() - leftAtMs).toBeGreaterThan(GRACE_MS - 100);
      await eventually(async () => (await findLease(id))?.state === 'ended');
      expect(await auditLog(id)).toEqual([
        `ana | review-woken | For 5 min${GUARDED}`,
        'marek | review-joined',
        'ana | review-left',
        'marek | review-left',
        '– | review-paused | No viewers left',
      ]);
      expect(openPage(keeper, id).now()).toMatchObject({ kind: 'ended', how: 'left', by: null, note: null });
    });

    it('may reload within the grace period', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const first = openPage(keeper, id);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      for (let reloads = 0; reloads < 3; reloads += 1) {
        first.leave();
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.5));
        const again = openPage(keeper, id);
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.6));
        again.leave();
      }
      openPage(keeper, id);
      expect(await stateOf(id)).toBe('running');
      expect(await auditLog(id)).toEqual([`ana | review-woken | For 5 min${GUARDED}`]);
    });

    it('do not keep it awake without the right to read files', async () => {
      const id = await createPaused();
      const { keeper } = await openKeeper();
      const li = openPage(keeper, id, { actor: 'li', id: 'session-of-li' }, false);
      await keeper.wake(ANA, id, 5 * MINUTE_MS);
      expect(li.now()).toMatchObject({ kind: 'awake', viewers: [] });
      await li.ended('left');
    });

    it('count across processes', async () => {
      const id = await createPaused();
      const [here, there] = [await openKeeper(), await openKeeper()];
      const ana = openPage(here.keeper, id);
      const marek = openPage(there.keeper, id, MAREK);
      await here.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await eventually(() => {
        const state = ana.now();
        return state?.kind === 'awake' && state.viewers.length === 2;
      });
      ana.leave();
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 3));
      expect(await stateOf(id)).toBe('running');
      marek.leave();
      await eventually(async () => (await stateOf(id)) === 'paused');
    });

    it('receive nothing for an invalid sandbox id', async () => {
      const { keeper } = await openKeeper();
      expect(openPage(keeper, '../etc').states).toEqual([]);
    });
  });

  describe('after a crash', () => {
    it('continues where viewers return and ends where none do', async () => {
      const [watched, left] = [await createPaused(), await createPaused()];
      const first = await openKeeper({ claimMs: 600 });
      for (const id of [watched, left]) {
        openPage(first.keeper, id);
        await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      }
      await crash(first.keeper, watched);
      const second = await openKeeper({ reconnectMs: 1_000 });
      const page = openPage(second.keeper, watched);
      await eventually(async () => (await findLease(watched))?.claimedBy === second.owner);
      await eventually(async () => (await stateOf(left)) === 'paused');
      expect(page.now()).toMatchObject({ kind: 'awake', isGuarded: true });
      await eventually(async () => (await auditLog(left)).length === 2);
      expect((await auditLog(left)).at(-1)).toBe('– | review-paused | No viewers left');
      expect((await auditLog(watched)).at(-1)).toBe('ana | review-joined');
      expect(await stateOf(watched)).toBe('running');
    });

    it('takes over the lease of a dead process on this machine at once', async () => {
      const id = await createPaused();
      const first = await openKeeper({ owner: 'here/999999999/a', claimMs: 10 * MINUTE_MS });
      await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await crash(first.keeper, id);
      const second = await openKeeper({ owner: 'here/1/b', isShared: false });
      await eventually(async () => (await findLease(id))?.claimedBy === second.owner);
    });

    it('settles a wake that was being started', async () => {
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
      });
      const asleep = await createPaused();
      for (const id of [woke, other, gone]) expect(await beginLease(lease(id), -1)).toBe(true);
      await beginLease(lease(asleep, Date.now() - 40_000), -1);
      await post(woke, 'resume', { timeout: 287, autoPause: true });
      await post(other, 'connect', { timeout: 300 });
      await engine.call('DELETE', `/sandboxes/${gone}`);
      const { keeper } = await openKeeper();
      const pages = [woke, other, gone, asleep].map((id) => openPage(keeper, id));
      await eventually(() => pages[0]?.now()?.kind === 'awake');
      await pages[1]?.ended('taken');
      await pages[2]?.ended('gone');
      await pages[3]?.ended('unwoken');
      expect(await stateOf(other)).toBe('running');
      expect(await auditLog(woke)).toContain(
        `ana | review-woken | Found awake after the service did not answer${GUARDED}`,
      );
    });

    it('finishes a pause that was under way', async () => {
      const id = await createPaused();
      const first = await openKeeper({ claimMs: 600 });
      await first.keeper.wake(ANA, id, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      await thrownBy(() => first.keeper.endNow(MAREK, id));
      await crash(first.keeper, id);
      await engine.clearFaults();
      const { keeper } = await openKeeper();
      await openPage(keeper, id).ended('asked');
      expect((await auditLog(id)).at(-1)).toMatch(/^marek \| review-paused/);
      expect(await stateOf(id)).toBe('paused');
    });
  });

  describe('a task', () => {
    const input = (sandboxId: string) => ({
      sandboxId,
      actor: 'ana',
      reason: 'to save its files',
      timeoutMs: 5 * MINUTE_MS,
    });

    it('runs while awake and leaves the sandbox paused, even after a failure', async () => {
      const { keeper } = await openKeeper({ graceMs: 10_000 });
      const id = await createPaused();
      expect(await keeper.withWake(input(id), () => stateOf(id))).toBe('running');
      expect(await stateOf(id)).toBe('paused');
      expect(await auditLog(id)).toEqual([
        `ana | review-woken | For 5 min, to save its files${GUARDED}`,
        'ana | review-paused | The task was done',
      ]);
      const failing = keeper.withWake(input(id), () => Promise.reject(new Error('disk full')));
      await expect(failing).rejects.toThrow('disk full');
      expect(await stateOf(id)).toBe('paused');
    });

    it('outlasts the grace period', async () => {
      const { keeper } = await openKeeper();
      const id = await createPaused();
      const state = keeper.withWake(input(id), async () => {
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 3));
        return stateOf(id);
      });
      expect(await state).toBe('running');
    });

    it('leaves a sandbox alone that somebody else runs or views', async () => {
      const { keeper } = await openKeeper();
      const running = await engine.create();
      const before = await engine.detail(running);
      expect(await keeper.withWake(input(running), () => stateOf(running))).toBe('running');
      expect(await engine.detail(running)).toEqual(before);
      const viewed = await createPaused();
      const page = openPage(keeper, viewed, MAREK);
      await keeper.wake(MAREK, viewed, 5 * MINUTE_MS);
      await keeper.withWake(input(viewed), async () => {});
      expect(page.now()).toMatchObject({ kind: 'awake', viewers: [{ actor: 'marek', isYou: true }] });
      expect(await stateOf(viewed)).toBe('running');
    });

    it('does not start if the sandbox cannot be woken', async () => {
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
