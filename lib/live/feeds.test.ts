import { expect, it } from 'vitest';
import { LiveFeeds } from './feeds';
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
