import { beforeEach, expect, it, vi } from 'vitest';
import { config } from '../config';
import { database } from '../db/client';
import { noteSession, withRequestFacts } from '../request-facts';
import { describeOnDatabases } from '../test-support/databases';
import { ALL, someone } from '../test-support/people';
import { WHOLE_ACCESS } from './access-filter';
import { listAccess, noteAccess } from './audit';
import { deleteEntriesBefore, verifyChain } from './audit-chain';

const ANA = someone('ana');
const KEY = 'local/i1';

async function note(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await noteAccess(ANA, { kind: 'file-opened', sandboxKey: KEY, path: `/data/${at}`, detail: 'ü\0' });
}

describeOnDatabases('the chain of the audit log', () => {
  beforeEach(async () => {
    const db = await database();
    await db.deleteFrom('access_log').execute();
    await db.updateTable('audit_head').set({ seq: 0, hash: '', first_seq: 1, before_hash: '' }).execute();
  });

  it('holds for entries as they were written, also by several at once', async () => {
    await note(2);
    await Promise.all(Array.from({ length: 12 }, () => note(1)));
    const found = await verifyChain();
    expect(found).toMatchObject({ checked: 14, older: 0, problem: null });
    expect(found.lastHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    [
      'a changed entry',
      (seq: number) => ({ seq, set: { detail: 'something else' } }),
      /^Entry 3 .* was changed\.$/,
    ],
    [
      'another person',
      (seq: number) => ({ seq, set: { actor_id: 'user-li' } }),
      /^Entry 3 .* was changed\.$/,
    ],
    [
      'another address',
      (seq: number) => ({ seq, set: { address: '10.0.0.1' } }),
      /^Entry 3 .* was changed\.$/,
    ],
  ])('shows %s', async (_, change, problem) => {
    await note(5);
    const { seq, set } = change(3);
    const db = await database();
    await db.updateTable('access_log').set(set).where('seq', '=', seq).execute();
    expect(await verifyChain()).toMatchObject({ checked: 2, problem: expect.stringMatching(problem) });
  });

  it('shows entries that are missing in the middle, at the beginning and at the end', async () => {
    await note(5);
    const db = await database();
    const remove = (seq: number) => db.deleteFrom('access_log').where('seq', '=', seq).execute();
    await remove(5);
    expect(await verifyChain()).toMatchObject({ checked: 4, problem: 'Entry 5 is missing.' });
    await remove(2);
    await remove(3);
    expect(await verifyChain()).toMatchObject({ checked: 1, problem: 'Entries 2 to 3 are missing.' });
    await remove(1);
    expect(await verifyChain()).toMatchObject({ checked: 0, problem: 'Entries 1 to 3 are missing.' });
  });

  it('holds after the oldest entries were deleted, and keeps a newer one before an older one', async () => {
    const db = await database();
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      for (const atMs of [1_000, 2_000, 9_000, 3_000]) {
        vi.setSystemTime(atMs);
        await note(1);
      }
    } finally {
      vi.useRealTimers();
    }
    await deleteEntriesBefore(5_000);
    const left = await db.selectFrom('access_log').select('seq').orderBy('seq').execute();
    expect(left.map(({ seq }) => Number(seq))).toEqual([3, 4]);
    expect(await verifyChain()).toMatchObject({ checked: 2, problem: null });
    await deleteEntriesBefore(10_000);
    expect(await verifyChain()).toMatchObject({ checked: 0, problem: null });
    await note(1);
    expect(await verifyChain()).toMatchObject({ checked: 1, problem: null });
  });

  it('counts entries of earlier versions apart', async () => {
    await note(1);
    const db = await database();
    await db.updateTable('access_log').set({ seq: null, hash: null }).execute();
    await db.updateTable('audit_head').set({ seq: 0, hash: '' }).execute();
    await note(2);
    expect(await verifyChain()).toMatchObject({ checked: 2, older: 1, problem: null });
  });

  it("records the request of the person's own, and none of another's", async () => {
    const client = { address: '10.0.0.7', userAgent: `Browser ${'x'.repeat(400)}` };
    await withRequestFacts(client, async (facts) => {
      noteSession(ANA);
      await note(1);
      await noteAccess(someone('li'), { kind: 'searched', sandboxKey: KEY });
      await noteAccess(null, { kind: 'review-paused', sandboxKey: KEY });
      const { entries } = await listAccess(WHOLE_ACCESS, ALL, Date.now());
      const ofRequest = entries.map(({ kind, address, sessionId, requestId }) => [
        kind,
        address,
        sessionId,
        requestId,
      ]);
      expect(ofRequest).toEqual([
        ['review-paused', null, null, null],
        ['searched', null, null, null],
        ['file-opened', '10.0.0.7', ANA.id, facts.id],
      ]);
      expect(entries.at(-1)?.userAgent).toHaveLength(300);
    });
  });

  it('prints each entry as a line of JSON if that is configured', async () => {
    const printed: string[] = [];
    const write = vi
      .spyOn(process.stdout, 'write')
      .mockImplementation((text) => printed.push(String(text)) > 0);
    const settings = vi.spyOn(config(), 'auditLog', 'get');
    try {
      settings.mockReturnValue('stdout');
      await note(1);
      settings.mockReturnValue(null);
      await note(1);
    } finally {
      write.mockRestore();
      settings.mockRestore();
    }
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatch(/^[^\n]*\n$/);
    const { lastHash } = await verifyChain();
    expect(lastHash).not.toBe('');
    expect(JSON.parse(printed[0] ?? '')).toMatchObject({
      type: 'audit',
      seq: 1,
      person: 'user-ana',
      name: 'ana',
      action: 'file-opened',
      sandbox: KEY,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});
