import { describe, expect, it } from 'vitest';
import type { SandboxKey } from '../sandbox-key';
import { describeOnDatabases } from '../test-support/databases';
import { eventually, thrownBy } from '../test-support/environment';
import { someone } from '../test-support/people';
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

const { engine, create, createPaused, post, kill, detail, stateOf } = setUpSandboxes();

describeOnDatabases('a shared wake', () => {
  describe('viewers', () => {
    it('keep it awake until the grace period after the last one leaves', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const ana = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      const marek = openPage(keeper, key, MAREK);
      await eventually(async () => (await auditLog(key)).includes('marek | review-joined'));
      expect(marek.now()).toMatchObject({
        viewers: [
          { actor: 'marek', isYou: true },
          { actor: 'ana', isYou: false },
        ],
      });
      ana.leave();
      expect(marek.now()).toMatchObject({ viewers: [{ actor: 'marek', isYou: true }] });
      await eventually(async () => (await auditLog(key)).includes('ana | review-left'), GRACE_MS + 3_000);
      expect(await stateOf(key)).toBe('running');
      const leftAtMs = Date.now();
      marek.leave();
      await eventually(async () => (await stateOf(key)) === 'paused');
      expect(Date.now() - leftAtMs).toBeGreaterThan(GRACE_MS - 100);
      await eventually(async () => (await findLease(key))?.state === 'ended');
      await expect
        .poll(() => auditLog(key))
        .toEqual([
          `ana | review-woken | For 5 min${GUARDED}`,
          'marek | review-joined',
          'ana | review-left',
          'marek | review-left',
          '– | review-paused | No viewers left',
        ]);
      expect(openPage(keeper, key).now()).toMatchObject({ kind: 'ended', how: 'left', by: null, note: null });
    });

    it('may reload within the grace period', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const first = openPage(keeper, key);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      for (let reloads = 0; reloads < 3; reloads += 1) {
        first.leave();
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.5));
        const again = openPage(keeper, key);
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 0.6));
        again.leave();
      }
      openPage(keeper, key);
      expect(await stateOf(key)).toBe('running');
      await expect.poll(() => auditLog(key)).toEqual([`ana | review-woken | For 5 min${GUARDED}`]);
    });

    it('do not keep it awake without the right to read files', async () => {
      const key = await createPaused();
      const { keeper } = await openKeeper();
      const li = openPage(keeper, key, someone('li'), false);
      await keeper.wake(ANA, key, 5 * MINUTE_MS);
      expect(li.now()).toMatchObject({ kind: 'awake', viewers: [] });
      await li.ended('left');
    });

    it('count across processes', async () => {
      const key = await createPaused();
      const [here, there] = [await openKeeper(), await openKeeper()];
      const ana = openPage(here.keeper, key);
      const marek = openPage(there.keeper, key, MAREK);
      await here.keeper.wake(ANA, key, 5 * MINUTE_MS);
      await eventually(() => {
        const state = ana.now();
        return state?.kind === 'awake' && state.viewers.length === 2;
      });
      ana.leave();
      await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 3));
      expect(await stateOf(key)).toBe('running');
      marek.leave();
      await eventually(async () => (await stateOf(key)) === 'paused');
    });

    it('receive nothing for an invalid sandbox key', async () => {
      const { keeper } = await openKeeper();
      expect(openPage(keeper, '../etc').states).toEqual([]);
    });
  });

  describe('after a crash', () => {
    it('continues where viewers return and ends where none do', async () => {
      const [watched, left] = [await createPaused(), await createPaused()];
      const first = await openKeeper({ claimMs: 600 });
      for (const key of [watched, left]) {
        openPage(first.keeper, key);
        await first.keeper.wake(ANA, key, 5 * MINUTE_MS);
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
      const key = await createPaused();
      const first = await openKeeper({ owner: 'here/999999999/a', claimMs: 10 * MINUTE_MS });
      await first.keeper.wake(ANA, key, 5 * MINUTE_MS);
      await crash(first.keeper, key);
      const second = await openKeeper({ owner: 'here/1/b', isShared: false });
      await eventually(async () => (await findLease(key))?.claimedBy === second.owner);
    });

    it('settles a wake that was being started', async () => {
      const [woke, other, gone] = [await createPaused(), await createPaused(), await createPaused()];
      const lease = (key: SandboxKey, begunAtMs = Date.now()): WakeLease => ({
        id: `lease-${key}`,
        sandboxKey: key,
        state: 'waking',
        userId: 'user-ana',
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
      for (const key of [woke, other, gone]) expect(await beginLease(lease(key), -1)).toBe(true);
      await beginLease(lease(asleep, Date.now() - 40_000), -1);
      await post(woke, 'resume', { timeout: 287, autoPause: true });
      await post(other, 'connect', { timeout: 300 });
      await kill(gone);
      const { keeper } = await openKeeper();
      const pages = [woke, other, gone, asleep].map((key) => openPage(keeper, key));
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
      const key = await createPaused();
      const first = await openKeeper({ claimMs: 600 });
      await first.keeper.wake(ANA, key, 5 * MINUTE_MS);
      await engine.fault({ route: PAUSE, status: 500 });
      await thrownBy(() => first.keeper.endNow(MAREK, key));
      await crash(first.keeper, key);
      await engine.clearFaults();
      const { keeper } = await openKeeper();
      await openPage(keeper, key).ended('asked');
      await eventually(async () => /^marek \| review-paused/.test((await auditLog(key)).at(-1) ?? ''));
      expect(await stateOf(key)).toBe('paused');
    });
  });

  describe('a task', () => {
    const input = (sandboxKey: SandboxKey) => ({
      sandboxKey,
      who: ANA,
      reason: 'to save its files',
      timeoutMs: 5 * MINUTE_MS,
    });

    it('runs while awake and leaves the sandbox paused, even after a failure', async () => {
      const { keeper } = await openKeeper({ graceMs: 10_000 });
      const key = await createPaused();
      expect(await keeper.withWake(input(key), () => stateOf(key))).toBe('running');
      expect(await stateOf(key)).toBe('paused');
      await expect
        .poll(() => auditLog(key))
        .toEqual([
          `ana | review-woken | For 5 min, to save its files${GUARDED}`,
          'ana | review-paused | The task was done',
        ]);
      const failing = keeper.withWake(input(key), () => Promise.reject(new Error('disk full')));
      await expect(failing).rejects.toThrow('disk full');
      expect(await stateOf(key)).toBe('paused');
    });

    it('outlasts the grace period', async () => {
      const { keeper } = await openKeeper();
      const key = await createPaused();
      const state = keeper.withWake(input(key), async () => {
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS * 3));
        return stateOf(key);
      });
      expect(await state).toBe('running');
    });

    it('leaves a sandbox alone that somebody else runs or views', async () => {
      const { keeper } = await openKeeper();
      const running = await create();
      const before = await detail(running);
      expect(await keeper.withWake(input(running), () => stateOf(running))).toBe('running');
      expect(await detail(running)).toEqual(before);
      const viewed = await createPaused();
      const page = openPage(keeper, viewed, MAREK);
      await keeper.wake(MAREK, viewed, 5 * MINUTE_MS);
      await keeper.withWake(input(viewed), async () => {});
      expect(page.now()).toMatchObject({ kind: 'awake', viewers: [{ actor: 'marek', isYou: true }] });
      expect(await stateOf(viewed)).toBe('running');
    });

    it('does not start if the sandbox cannot be woken', async () => {
      const { keeper } = await openKeeper();
      const key = await createPaused();
      await engine.fault({ route: RESUME, status: 429 });
      const begun: string[] = [];
      const thrown = await thrownBy(() => keeper.withWake(input(key), async () => void begun.push(key)));
      expect(thrown).toMatchObject({ code: 'quota' });
      expect(begun).toEqual([]);
    });
  });
});
