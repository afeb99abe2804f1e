import { describe, expect, it } from 'vitest';
import { LiveFeeds, ServerClock } from './feeds';
import type { ChannelListener } from './socket';

type Event = { kind: 'state'; state: string; sentAtMs: number } | { kind: 'other' };

function openFeeds() {
  const subscribed: { key: string | undefined; listener: ChannelListener; isLeft: boolean }[] = [];
  const feeds = new LiveFeeds<string>(
    'wake',
    (payload) => {
      const event = payload as Event;
      return event.kind === 'state' ? { state: event.state, sentAtMs: event.sentAtMs } : null;
    },
    () => ({
      subscribe: (_channel, listener, key) => {
        const subscription = { key, listener, isLeft: false };
        subscribed.push(subscription);
        return () => {
          subscription.isLeft = true;
        };
      },
    }),
  );
  const publish = (index: number, event: Event) => subscribed[index]?.listener.onEvent(event);
  return { feeds, subscribed, publish };
}

it('shares one subscription per key and ends it with the last listener', () => {
  const { feeds, subscribed, publish } = openFeeds();
  const received: string[] = [];
  const leaves = ['first', 'second'].map((name) => feeds.subscribe('a', () => received.push(name)));
  feeds.subscribe('b', () => received.push('other'));
  expect(subscribed.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(feeds.state('a')).toBeNull();

  publish(0, { kind: 'state', state: 'awake', sentAtMs: Date.now() });
  expect(received).toEqual(['first', 'second']);
  expect([feeds.state('a'), feeds.state('b')]).toEqual(['awake', null]);

  leaves[0]?.();
  publish(0, { kind: 'state', state: 'paused', sentAtMs: Date.now() });
  expect(received).toEqual(['first', 'second', 'second']);
  expect(subscribed[0]?.isLeft).toBe(false);
  leaves[1]?.();
  expect(subscribed.map(({ isLeft }) => isLeft)).toEqual([true, false]);
  expect(feeds.state('a')).toBeNull();
});

it('ignores events without a state', () => {
  const { feeds, publish } = openFeeds();
  let received = 0;
  feeds.subscribe('a', () => {
    received += 1;
  });
  publish(0, { kind: 'state', state: 'awake', sentAtMs: Date.now() });
  publish(0, { kind: 'other' });
  expect([received, feeds.state('a')]).toEqual([1, 'awake']);
});

it('estimates the server clock from the events of a key', () => {
  const { feeds, publish } = openFeeds();
  feeds.subscribe('a', () => {});
  expect(feeds.clock('a').at(5_000)).toBe(5_000);
  publish(0, { kind: 'state', state: 'awake', sentAtMs: Date.now() - 3_600_000 });
  expect(Math.round((feeds.clock('a').at(Date.now()) - Date.now()) / 1_000)).toBe(-3_600);
  expect(feeds.clock('b').at(5_000)).toBe(5_000);
});

const MINUTE_MS = 60_000;

describe('ServerClock', () => {
  it('returns the same time before the first observation', () => {
    expect(new ServerClock().at(1_000)).toBe(1_000);
  });

  it('uses the observation with the shortest delay', () => {
    const behind = new ServerClock();
    behind.observe(10 * MINUTE_MS + 30, 5 * MINUTE_MS + 130);
    behind.observe(10 * MINUTE_MS + 500, 5 * MINUTE_MS + 520);
    behind.observe(10 * MINUTE_MS + 900, 5 * MINUTE_MS + 1_800);
    expect(behind.at(5 * MINUTE_MS + 2_000)).toBe(10 * MINUTE_MS + 1_980);
    const ahead = new ServerClock();
    ahead.observe(5 * MINUTE_MS, 10 * MINUTE_MS);
    expect(ahead.at(10 * MINUTE_MS + 7)).toBe(5 * MINUTE_MS + 7);
  });

  it('follows a clock that is adjusted', () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_000);
    for (let count = 0; count < 40; count += 1) clock.observe(200_000 + count, 200_010 + count);
    expect(clock.at(300_000)).toBe(299_990);
  });
});
