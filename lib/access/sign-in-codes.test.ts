import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir, simulateNewProcess } from '../test-support/environment';
import { CODE_LIFETIME_MS, issueCode, linkWith, redeemCode } from './sign-in-codes';

setUpDataDir();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
});

describeOnDatabases('a code of a sign-in link', ({ url }) => {
  it('signs in once', async () => {
    const code = await issueCode('start');
    expect(code).toMatch(/^[\w-]{32}$/);
    expect(await redeemCode(code)).toBeNull();
    expect(await redeemCode(code)).toBe('used');
  });

  it('signs in one of two who use it at the same time', async () => {
    const code = await issueCode('start');
    const results = await Promise.all(Array.from({ length: 8 }, () => redeemCode(code)));
    expect(results.filter((problem) => problem === null)).toHaveLength(1);
    expect(results.filter((problem) => problem === 'used')).toHaveLength(7);
  });

  it('expires after 15 minutes', async () => {
    const [first, second] = [await issueCode('start'), await issueCode('command')];
    vi.setSystemTime(Date.now() + CODE_LIFETIME_MS - 1);
    expect(await redeemCode(first)).toBeNull();
    vi.setSystemTime(Date.now() + 1);
    expect(await redeemCode(second)).toBe('expired');
  });

  it('is unknown if it was never issued', async () => {
    const code = await issueCode('start');
    for (const guess of ['', 'x', `${code}x`, code.slice(1), code.toUpperCase()])
      expect(await redeemCode(guess), guess).toBe('unknown');
    expect(await redeemCode(code)).toBeNull();
  });

  it('is stored as a hash', async () => {
    const code = await issueCode('start');
    const rows = await (await database()).selectFrom('sign_in_codes').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(code);
  });

  it('of a start signs nobody in where links are switched off, but that of the command does', async () => {
    const [started, commanded] = [await issueCode('start'), await issueCode('command')];
    simulateNewProcess({ SANDKEEPER_SIGN_IN_LINK: 'off', DATABASE_URL: url() });
    const { redeemCode: redeemHere } = await import('./sign-in-codes');
    expect(await redeemHere(started)).toBe('off');
    expect(await redeemHere(commanded)).toBeNull();
  });
});

it('stands in the fragment of the link, which no server sees', () => {
  const { pathname, search, hash } = new URL(linkWith('abc', 'https://sandkeeper.example.com'));
  expect([pathname, search, hash]).toEqual(['/sign-in', '', '#code=abc']);
});
