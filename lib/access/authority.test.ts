import { expect, it, vi } from 'vitest';
import { database } from '../db/client';
import type { Role } from '../roles';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir } from '../test-support/environment';
import { someone } from '../test-support/people';
import { followChanges, onRevocation } from './access-changes';
import { isAdmissionLost, lostAuthority } from './authority';
import { unseal } from './secrets';
import { endSessions, openSession, revokeSession } from './sessions';
import { createUser, grantRole } from './users';

setUpDataDir();

async function signIn(role: Role | null = 'operator') {
  const userId = await createUser({ name: 'ana' });
  if (role !== null) await grantRole(userId, 'moru', role, 'a test');
  const sessionId = unseal('session', await openSession({ userId, method: 'link' })) ?? '';
  return { userId, sessionId, started: { actorId: userId, sessionId } };
}

async function disable(userId: string): Promise<void> {
  await (await database()).updateTable('users').set({ is_disabled: 1 }).where('id', '=', userId).execute();
}

describeOnDatabases('the authority behind an operation', () => {
  it('lasts beyond a sign-out and the end of an unused session', async () => {
    const { sessionId, started } = await signIn();
    expect(await lostAuthority(started, 'operator', ['moru'])).toBeNull();
    await revokeSession(sessionId);
    expect(await lostAuthority(started, 'operator', ['moru'])).toBeNull();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 30 * 24 * 3_600_000 });
    expect(await lostAuthority(started, 'operator', ['moru'])).toBeNull();
    vi.useRealTimers();
  });

  it('is lost when somebody ends the session, and says who', async () => {
    const { sessionId, started } = await signIn();
    await endSessions([sessionId], 'Li');
    expect(await lostAuthority(started, 'operator', ['moru'])).toBe(
      'Li ended the session in which it was started',
    );
  });

  it('is lost with the role on one of the connections, and with the account', async () => {
    const { userId, started } = await signIn();
    expect(await lostAuthority(started, 'admin', ['moru'])).toBe('ana no longer has the admin role there');
    expect(await lostAuthority(started, 'operator', ['moru', 'e2b'])).toBe(
      'ana no longer has the operator role there',
    );
    await disable(userId);
    expect(await lostAuthority(started, 'operator', ['moru'])).toBe('the account of ana was disabled');
  });

  it('is not that of a session which was ended before it, in another browser', async () => {
    const { userId, started } = await signIn();
    const other = unseal('session', await openSession({ userId, method: 'link' })) ?? '';
    await endSessions([other], 'ana');
    expect(await lostAuthority(started, 'operator', ['moru'])).toBeNull();
  });

  it('of a transfer is lost with the session, however it ends early', async () => {
    for (const end of [revokeSession, (id: string) => endSessions([id], 'Li')]) {
      const { userId, sessionId } = await signIn();
      const caller = { ...someone('ana', 'operator'), id: sessionId, userId };
      expect(await isAdmissionLost(caller, 'operator', 'moru')).toBe(false);
      expect(await isAdmissionLost(caller, 'operator', 'e2b')).toBe(true);
      await end(sessionId);
      expect(await isAdmissionLost(caller, 'operator', 'moru')).toBe(true);
    }
  });
});

describeOnDatabases('a change of sessions or grants', () => {
  it('is announced in this process at once, and followed by the others', async () => {
    const { sessionId } = await signIn();
    const listener = vi.fn();
    const stop = onRevocation(listener);
    await endSessions([sessionId], 'Li');
    expect(listener).toHaveBeenCalledOnce();

    const stopFollowing = followChanges(20);
    // The first reading only learns the number.
    await new Promise((resolve) => setTimeout(resolve, 200));
    listener.mockClear();
    const db = await database();
    await db
      .updateTable('access_changes')
      .set((row) => ({ changes: row('changes', '+', 1) }))
      .execute();
    await vi.waitFor(() => expect(listener).toHaveBeenCalledOnce(), 30_000);
    await stopFollowing();
    stop();
  });
});
