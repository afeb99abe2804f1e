import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { database } from '../db/client';
import { describeOnDatabases } from '../test-support/databases';
import { setUpDataDir } from '../test-support/environment';
import { WHOLE_ACCESS } from './access-filter';
import { listAccess } from './audit';
import { type Attempt, type AttemptPlace, SignInAttempts } from './sign-in-attempts';

setUpDataDir();

const wrong = async () => ({ wrong: 'This code is not valid.' });
const right = async () => ({ right: 'link' });
const ADMIN = { everywhere: 'admin', on: {} } as const;
const HERE = { address: '203.0.113.7', account: null };
const ELSEWHERE = { address: '198.51.100.9', account: null };

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const db = await database();
  await db.deleteFrom('sign_in_failures').execute();
  await db.deleteFrom('access_log').execute();
});

/** The attempts at one process. Held answers are released at once, or by `release`. */
function openProcess({ holds = false } = {}) {
  const waits: number[] = [];
  const held: (() => void)[] = [];
  const attempts = new SignInAttempts({
    wait: (ms) => {
      waits.push(ms);
      return holds ? new Promise<void>((resolve) => held.push(resolve)) : Promise.resolve();
    },
  });
  const run = (place: AttemptPlace, attempt: () => Promise<Attempt<string>>) =>
    attempts.run(place, 'with a link', attempt);
  /** How long the answer to a wrong attempt is held back, ms. */
  const delayAt = async (place: AttemptPlace) => {
    await expect(run(place, wrong)).rejects.toMatchObject({ code: 'unauthenticated' });
    return waits.at(-1);
  };
  const release = () => {
    for (const end of held.splice(0)) end();
  };
  return { run, delayAt, waits, held, release };
}

const refusals = async () =>
  (await listAccess({ ...WHOLE_ACCESS, kind: 'sign-in-refused' }, ADMIN, Date.now())).entries.map(
    ({ detail }) => detail,
  );

describeOnDatabases('attempts to sign in', () => {
  it('answer a right one at once', async () => {
    const { run, waits } = openProcess();
    expect(await run(HERE, right)).toBe('link');
    expect(waits).toEqual([]);
  });

  it('double the delay of wrong ones up to 8 s, and say what is wrong', async () => {
    const { run, delayAt, waits } = openProcess();
    for (let time = 0; time < 8; time += 1) await delayAt(HERE);
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    await expect(run(HERE, wrong)).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'This code is not valid.',
    });
  });

  it('never refuse a right one because of wrong ones, of others or at the same account', async () => {
    const { run, delayAt, held, release } = openProcess({ holds: true });
    const at = (address: string) => ({ address, account: 'local-admin' });
    const guesses = Promise.allSettled(
      Array.from({ length: 44 }, (_, index) => run(at(index % 2 ? HERE.address : `192.0.2.${index}`), wrong)),
    );
    await vi.waitFor(() => expect(held.length).toBe(26), 20_000);
    expect(await run(at(ELSEWHERE.address), right)).toBe('link');
    expect(await run(at(HERE.address), right)).toBe('link');
    release();
    expect((await guesses).every(({ status }) => status === 'rejected')).toBe(true);
    // The right one forgives those before it.
    const next = delayAt(HERE);
    await vi.waitFor(() => expect(held.length).toBe(1), 20_000);
    release();
    expect(await next).toBe(250);
  });

  it('say how long to wait instead of holding many answers', async () => {
    const { run, held, release } = openProcess({ holds: true });
    const settled = Promise.allSettled(Array.from({ length: 25 }, () => run(HERE, wrong)));
    await vi.waitFor(() => expect(held.length).toBe(4), 20_000);
    release();
    const refused = (await settled).flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    const limited = refused.filter(({ code }) => code === 'rate_limited');
    expect(limited).toHaveLength(21);
    expect(limited[0]).toMatchObject({ retryAfterMs: 8_000 });
    expect(limited[0].message).toMatch(/^This code is not valid\. .*Wait 8 seconds/);
  });

  it('count those that were refused at once with the next one', async () => {
    const { run, held, release, waits } = openProcess({ holds: true });
    const first = Promise.allSettled(Array.from({ length: 25 }, () => run(HERE, wrong)));
    await vi.waitFor(() => expect(held.length).toBe(4), 20_000);
    release();
    await first;
    const next = run(HERE, wrong).catch(() => {});
    await vi.waitFor(() => expect(held.length).toBe(1), 20_000);
    release();
    await next;
    expect(waits.at(-1)).toBe(8_000);
  });

  it('count for all processes together', async () => {
    for (let time = 0; time < 3; time += 1) await openProcess().delayAt(HERE);
    expect(await openProcess().delayAt(HERE)).toBe(2_000);
  });

  it('do not slow down other addresses, unless there are many at one account', async () => {
    const { delayAt } = openProcess();
    for (let time = 0; time < 5; time += 1) await delayAt(HERE);
    expect(await delayAt(ELSEWHERE)).toBe(250);
    for (let from = 0; from < 24; from += 1) await delayAt({ address: `192.0.2.${from}`, account: 'ana' });
    expect(await delayAt({ address: '192.0.2.99', account: 'ana' })).toBe(4_000);
    expect(await delayAt({ address: '192.0.2.98', account: 'li' })).toBe(250);
  });

  it('take the addresses of one IPv6 network for one', async () => {
    const { delayAt } = openProcess();
    const from = (address: string) => delayAt({ address, account: null });
    for (let host = 1; host <= 5; host += 1) await from(`2001:db8::${host}`);
    expect(await from('2001:db8::ffff:1')).toBe(8_000);
    expect(await from('2001:db8:0:1::1')).toBe(250);
  });

  it('count anew after ten minutes', async () => {
    const { delayAt } = openProcess();
    for (let time = 0; time < 5; time += 1) await delayAt(HERE);
    vi.setSystemTime(Date.now() + 10 * 60_000 + 1);
    expect(await delayAt(HERE)).toBe(250);
  });

  it('are in the access log, ever more rarely, so that nobody can fill it', async () => {
    const { delayAt } = openProcess();
    for (let time = 0; time < 30; time += 1) await delayAt(HERE);
    expect((await refusals()).toReversed()).toEqual([
      'with a link, from 203.0.113.7',
      'with a link, from 203.0.113.7: 5 wrong attempts within 10 minutes',
      'with a link, from 203.0.113.7: 25 wrong attempts within 10 minutes',
    ]);
  });
});
