import { notFound, redirect } from 'next/navigation';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, httpStatusOf, SandkeeperError } from './errors';
import { responseOf, resultOf } from './result';

const log = vi.spyOn(console, 'error');
beforeEach(() => void log.mockImplementation(() => {}));
afterEach(() => void log.mockReset());

const failing = (thrown: unknown) => async () => {
  throw thrown;
};

describe('SandkeeperError.from', () => {
  it('keeps our errors and hides the text of others', () => {
    const own = new SandkeeperError('quota', 'Full.');
    expect(SandkeeperError.from(own)).toBe(own);
    const wrapped = SandkeeperError.from(new Error('connect to http://10.0.0.7 with moru_secret failed'));
    expect(wrapped).toMatchObject({ code: 'unexpected', cause: expect.any(Error) });
    expect(wrapped.message).not.toMatch(/10\.0\.0\.7|moru_/);
  });

  it('recognizes errors of another copy of the module', async () => {
    vi.resetModules();
    const { SandkeeperError: Another } = await import('./errors');
    expect(Another).not.toBe(SandkeeperError);
    const foreign = new Another('quota', 'Full.');
    expect(SandkeeperError.from(foreign)).toBe(foreign);
    class Special extends SandkeeperError {}
    const own = new SandkeeperError('quota', 'Full.');
    expect([own instanceof Special, new Special('quota', 'Full.') instanceof Special]).toEqual([false, true]);
    expect([null, 'quota', {}, new Error('x')].some((thrown) => thrown instanceof SandkeeperError)).toBe(
      false,
    );
  });
});

describe('resultOf', () => {
  it('returns a value or a failure as plain data', async () => {
    expect(await resultOf(async () => 7)).toEqual({ ok: true, value: '7' });
    expect(
      await resultOf(failing(new SandkeeperError('rate_limited', 'Slowly.', { retryAfterMs: 2_500 }))),
    ).toEqual({ ok: false, error: { code: 'rate_limited', message: 'Slowly.', retryAfterMs: 2_500 } });
    expect(log).not.toHaveBeenCalled();
  });

  it('logs an unexpected error and hides its details', async () => {
    const cause = new TypeError('secret detail');
    const result = await resultOf(failing(cause));
    expect(JSON.stringify(result)).not.toContain('secret');
    expect(result).toMatchObject({ ok: false, error: { code: 'unexpected' } });
    expect(log).toHaveBeenCalledWith(expect.any(String), cause);
  });

  it('leaves redirects and not-found pages to Next.js', async () => {
    await expect(resultOf(async () => redirect('/sign-in'))).rejects.toMatchObject({
      digest: expect.stringContaining('NEXT_REDIRECT'),
    });
    await expect(resultOf(async () => notFound())).rejects.toMatchObject({
      digest: expect.stringContaining('NEXT_'),
    });
  });
});

describe('responseOf', () => {
  it.each(ERROR_CODES.map((code) => [code, httpStatusOf(code)] as const))(
    'answers %s with status %i and the failure',
    async (code, status) => {
      const response = await responseOf(failing(new SandkeeperError(code, 'So.', { retryAfterMs: 1_001 })));
      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBe('2');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toEqual({ error: { code, message: 'So.', retryAfterMs: 1_001 } });
    },
  );

  it('returns a successful response unchanged', async () => {
    const response = new Response('x');
    expect(await responseOf(async () => response)).toBe(response);
  });
});
