import { UnrecognizedActionError } from 'next/dist/client/components/unrecognized-action-error';
import { beforeEach, expect, it, vi } from 'vitest';
import { answerOf, isMissingPart } from './answer';
import { pageStatus } from './page-state';
import { resultOf } from './result';

const server = { status: 200 };

beforeEach(() => {
  server.status = 200;
  vi.stubGlobal('fetch', async () => Response.json({}, { status: server.status }));
});

const refusal = (code: 'unauthenticated' | 'conflict') =>
  ({ ok: false, error: { code, message: 'No.' } }) as const;

it('returns the answer of the server, with every key of the value', async () => {
  const value = Object.fromEntries([['__proto__', 'own']]);
  const answer = await answerOf(resultOf(async () => value));
  expect(answer).toEqual({ ok: true, value });
  expect(answer?.ok && Object.entries(answer.value)).toEqual([['__proto__', 'own']]);
  expect(await answerOf(Promise.resolve(refusal('conflict')))).toEqual(refusal('conflict'));
});

it('returns null when no answer arrived', async () => {
  expect(await answerOf(Promise.reject(new TypeError('Failed to fetch')))).toBeNull();
  expect(pageStatus().state().isOutdated).toBe(false);
});

it('calls an action that the server does not know a refusal of an older page', async () => {
  const unknown = new UnrecognizedActionError('Server Action "0" was not found on the server.');
  expect(await answerOf(Promise.reject(unknown))).toMatchObject({
    ok: false,
    error: { code: 'outdated', message: expect.stringContaining('Reload the page') },
  });
  expect(pageStatus().state().isOutdated).toBe(true);
});

it('asks whether the session has ended after a refusal that may come from the service', async () => {
  await answerOf(Promise.resolve(refusal('unauthenticated')));
  await vi.waitFor(() => expect(pageStatus().state().session).toBe('valid'));
  server.status = 401;
  await answerOf(Promise.resolve(refusal('unauthenticated')));
  await vi.waitFor(() => expect(pageStatus().state().session).toBe('ended'));
});

it('tells code that could not be loaded from other errors', () => {
  const messages = [
    'Failed to load chunk /_next/static/chunks/a.js',
    'Failed to fetch dynamically imported module',
  ];
  expect(messages.map((message) => isMissingPart(new Error(message)))).toEqual([true, true]);
  expect([new Error('removeChild'), null].map(isMissingPart)).toEqual([false, false]);
});
