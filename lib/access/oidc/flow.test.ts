import { expect, it, onTestFinished, vi } from 'vitest';
import { setUpDataDir } from '../../test-support/environment';
import { flowCookie, flowOf, flowsToDrop, problemCookie, problemOf } from './flow';

setUpDataDir();

const MINUTE_MS = 60_000;
const FLOW = {
  provider: 'sso',
  state: 'a-state_of-43-characters',
  nonce: 'the nonce',
  verifier: 'the verifier',
  next: '/operations?kind=kill',
  testedBy: null,
};

it('is found by its state in the browser that started it', () => {
  const cookie = flowCookie(FLOW);
  expect(flowOf(FLOW.state, [cookie])).toEqual({
    flow: { ...FLOW, startedAtMs: expect.any(Number) },
    cookieName: cookie.name,
  });
  expect(flowOf(FLOW.state, [])).toBeNull();
  expect(flowOf('', [cookie])).toBeNull();
  expect(flowOf('another', [cookie])).toBeNull();
  // The beginning of the state names the cookie, but the whole state counts.
  expect(flowOf(`${FLOW.state}x`, [cookie])).toBeNull();
});

it('is sealed: nobody can read or change it, or use another cookie for it', () => {
  const { name, value } = flowCookie(FLOW);
  for (const secret of [FLOW.verifier, FLOW.nonce]) {
    expect(value).not.toContain(secret);
    expect(Buffer.from(value, 'base64url').toString('latin1')).not.toContain(secret);
  }
  const changed = `${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`;
  for (const forged of ['', 'x', changed, problemCookie('a problem').value])
    expect(flowOf(FLOW.state, [{ name, value: forged }])).toBeNull();
});

it('ends after ten minutes', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const cookie = flowCookie(FLOW);
  vi.setSystemTime(Date.now() + 10 * MINUTE_MS - 1);
  expect(flowOf(FLOW.state, [cookie])).not.toBeNull();
  vi.setSystemTime(Date.now() + 1);
  expect(flowOf(FLOW.state, [cookie])).toBeNull();
});

it('stays below the size of a cookie', () => {
  const { value } = flowCookie({ ...FLOW, next: `/sandboxes?q=${'x'.repeat(4_000)}` });
  expect(value.length).toBeLessThan(3_800);
  for (const character of ['é', '組', '🙂']) {
    const cookie = problemCookie(character.repeat(5_000));
    expect(cookie.value.length).toBeLessThan(3_800);
    expect(problemOf([cookie])).toMatch(new RegExp(`^${character}+…$`, 'u'));
  }
});

it('leaves room for four at a time', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const cookies = ['one', 'two', 'three', 'four', 'five'].map((state) => {
    vi.setSystemTime(Date.now() + 1_000);
    return flowCookie({ ...FLOW, state });
  });
  const others = [{ name: 'sandkeeper_session_3000', value: 'x' }];
  expect(flowsToDrop([...others, ...cookies.slice(0, 3)])).toEqual([]);
  expect(flowsToDrop([...others, ...cookies]).sort()).toEqual([cookies[0]?.name, cookies[1]?.name].sort());
});

it('carries a problem to the sign-in page', () => {
  expect(problemOf([problemCookie('Your account has none of the groups “a”.')])).toBe(
    'Your account has none of the groups “a”.',
  );
  expect(problemOf([{ ...problemCookie(''), value: flowCookie(FLOW).value }])).toBeNull();
});
