import { expect, it } from 'vitest';
import { LiveFeeds } from './feeds';
import type { ChannelListener } from './socket';

type Event = { kind: 'told'; word: string; sentAtMs: number } | { kind: 'nothing' };

function openFeeds() {
  const joined: { key: string | undefined; listener: ChannelListener; isLeft: boolean }[] = [];
  const feeds = new LiveFeeds<string>(
    'wake',
    (payload) => {
      const event = payload as Event;
      return event.kind === 'told' ? { state: event.word, sentAtMs: event.sentAtMs } : null;
    },
    () => ({
      subscribe: (_channel, listener, key) => {
        const place = { key, listener, isLeft: false };
        joined.push(place);
        return () => {
          place.isLeft = true;
        };
      },
    }),
  );
  const tell = (at: number, event: Event) => joined[at]?.listener.onEvent(event);
  return { feeds, joined, tell };
}

it('all of a page share one subscription per key, which ends with the last of them', () => {
  const { feeds, joined, tell } = openFeeds();
  const heard: string[] = [];
  const leaves = ['first', 'second'].map((name) => feeds.subscribe('a', () => heard.push(name)));
  feeds.subscribe('b', () => heard.push('other'));
  expect(joined.map(({ key }) => key)).toEqual(['a', 'b']);
  expect(feeds.state('a')).toBeNull();

  tell(0, { kind: 'told', word: 'awake', sentAtMs: Date.now() });
  expect(heard).toEqual(['first', 'second']);
  expect([feeds.state('a'), feeds.state('b')]).toEqual(['awake', null]);

  leaves[0]?.();
  tell(0, { kind: 'told', word: 'paused', sentAtMs: Date.now() });
  expect(heard).toEqual(['first', 'second', 'second']);
  expect(joined[0]?.isLeft).toBe(false);
  leaves[1]?.();
  expect(joined.map(({ isLeft }) => isLeft)).toEqual([true, false]);
  expect(feeds.state('a')).toBeNull();
});

it('what says nothing of how things stand changes nothing', () => {
  const { feeds, tell } = openFeeds();
  let heard = 0;
  feeds.subscribe('a', () => {
    heard += 1;
  });
  tell(0, { kind: 'told', word: 'awake', sentAtMs: Date.now() });
  tell(0, { kind: 'nothing' });
  expect([heard, feeds.state('a')]).toEqual([1, 'awake']);
});

it('a clock of the server that differs from ours is known once it has spoken', () => {
  const { feeds, tell } = openFeeds();
  feeds.subscribe('a', () => {});
  expect(feeds.clock('a').at(5_000)).toBe(5_000);
  tell(0, { kind: 'told', word: 'awake', sentAtMs: Date.now() - 3_600_000 });
  expect(Math.round((feeds.clock('a').at(Date.now()) - Date.now()) / 1_000)).toBe(-3_600);
  expect(feeds.clock('b').at(5_000)).toBe(5_000);
});
