import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ANYWHERE, EVERYWHERE, type Scope } from '../grants';
import { ROLES, type Role, roleSuffices } from '../roles';
import { setUpDataDir } from '../test-support/environment';
import { signInAs, someone } from '../test-support/people';
import { currentSession, guardPage, guardRead, guardWrite, requireRole } from './guard';
import { openSession, sessionCookieName } from './sessions';
import { createUser } from './users';

/** Stands in for the request of Next.js. The rest is real. */
const request = vi.hoisted(() => ({ cookies: new Map<string, string>(), headers: new Headers() }));
vi.mock('next/headers', () => ({
  headers: async () => request.headers,
  cookies: async () => ({
    get(name: string) {
      const value = request.cookies.get(name);
      return value === undefined ? undefined : { name, value };
    },
  }),
}));

setUpDataDir();

// The build replaces it, as next.config.mjs says.
vi.stubEnv('__NEXT_EXPERIMENTAL_AUTH_INTERRUPTS', 'true');
/** Makes Next.js answer 403 with `forbidden.tsx`. */
const FORBIDDEN_PAGE = { digest: 'NEXT_HTTP_ERROR_FALLBACK;403' };

beforeEach(() => {
  request.cookies.clear();
  request.headers = new Headers({ origin: 'http://localhost:3000' });
});

async function useSessionOf(role: Role): Promise<void> {
  request.cookies.set(sessionCookieName(), await signInAs(role));
}

describe('roles', () => {
  it('include the permissions of lower roles', () => {
    const suffices = ROLES.map((held) => ROLES.filter((needed) => roleSuffices(held, needed)));
    expect(suffices).toEqual([['viewer'], ['viewer', 'operator'], ['viewer', 'operator', 'admin']]);
  });

  it('are required by name', () => {
    const session = someone('li', 'viewer');
    expect(requireRole(session, 'viewer', ANYWHERE)).toEqual(session);
    expect(() => requireRole(session, 'operator', ANYWHERE)).toThrow(
      expect.objectContaining({
        code: 'forbidden',
        message: 'This requires the operator role. You are signed in as viewer.',
      }),
    );
  });
});

describe('guards', () => {
  it('lead people without any role to a page of their own, and tell them nothing of a connection', async () => {
    const userId = await createUser({ name: 'nora' });
    request.cookies.set(sessionCookieName(), await openSession({ userId, method: 'link' }));
    const scopes: Scope[] = [ANYWHERE, EVERYWHERE, 'local', 'nowhere'];
    for (const where of scopes)
      await expect(guardPage('viewer', where)).rejects.toMatchObject({
        digest: expect.stringMatching(/^NEXT_REDIRECT;.*;\/no-access;/),
      });
    await expect(guardRead('viewer', 'local')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('refuse requests without a session, and redirect pages to the sign-in page', async () => {
    await expect(guardRead('viewer', ANYWHERE)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(guardWrite('viewer', ANYWHERE)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(guardPage('viewer', ANYWHERE)).rejects.toMatchObject({
      digest: expect.stringMatching(/^NEXT_REDIRECT;.*;\/sign-in;/),
    });
    request.headers.set('x-sandkeeper-path', '/operations?q=x&_rsc=1');
    await expect(guardPage('viewer', ANYWHERE)).rejects.toMatchObject({
      digest: expect.stringContaining(';/sign-in?next=%2Foperations%3Fq%3Dx;'),
    });
    request.cookies.set(sessionCookieName(), 'forged.cookie');
    expect(await currentSession()).toBeNull();
    await expect(guardRead('viewer', ANYWHERE)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('refuse an insufficient role and accept a sufficient one', async () => {
    await useSessionOf('operator');
    for (const guard of [guardPage, guardRead, guardWrite]) {
      expect((await guard('viewer', ANYWHERE)).actor).toBe('operator');
      expect((await guard('operator', ANYWHERE)).role).toBe('operator');
      const refusal = guard === guardPage ? FORBIDDEN_PAGE : { code: 'forbidden' };
      await expect(guard('admin', ANYWHERE)).rejects.toMatchObject(refusal);
    }
  });

  it.each([null, 'null', 'http://evil.example', 'https://localhost:3000'])(
    'refuse to write from the origin %s, but accept reads',
    async (origin) => {
      await useSessionOf('admin');
      request.headers = new Headers(origin === null ? {} : { origin });
      await expect(guardWrite('viewer', ANYWHERE)).rejects.toMatchObject({
        code: 'forbidden',
        message: 'This request did not come from a page of Sandkeeper.',
      });
      expect((await guardRead('viewer', ANYWHERE)).role).toBe('admin');
    },
  );
});
