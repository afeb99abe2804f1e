import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { outsideRequests } from './request-context';
import { singleton } from './singleton';

it('runs work outside of the request that started it', async () => {
  const request = new AsyncLocalStorage<string>();
  // At start, before the first request.
  expect(outsideRequests(() => request.getStore())).toBeUndefined();
  await request.run('a page', async () => {
    expect(request.getStore()).toBe('a page');
    expect(outsideRequests(() => request.getStore())).toBeUndefined();
    await outsideRequests(async () => {
      await Promise.resolve();
      expect(request.getStore()).toBeUndefined();
    });
    expect(request.getStore()).toBe('a page');
  });
});

it('creates a singleton once', () => {
  let made = 0;
  const make = () => {
    made += 1;
    return { number: made };
  };
  expect(singleton('test-once', make)).toBe(singleton('test-once', make));
  expect(singleton('test-other', make).number).toBe(2);
});
