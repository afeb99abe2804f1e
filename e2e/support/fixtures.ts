import { test as base, type ConsoleMessage, expect, type Page } from '@playwright/test';
import type { Role } from '../../lib/access/roles';
import { Sandkeeper } from './deployment';
import { Moru } from './moru';

type TestFixtures = {
  moru: Moru;
  /** Complaints of every page of this test; a test that expects some empties it. */
  complaints: string[];
  /** Signs a page in without the detour over the form, by the cookie that it would have set. */
  signIn: (page: Page, role?: Role) => Promise<void>;
  /** Leaves the engine as it was found. */
  tidied: undefined;
};
type WorkerFixtures = {
  /** Settings of the server beyond the usual ones; a file that changes them gets a sandkeeper of its own. */
  settings: Record<string, string>;
  sandkeeper: Sandkeeper;
  sessions: Record<Role, string>;
};

/** The browser's own words for requests that failed; what a page does about those is what tests look at. */
const ABOUT_REQUESTS = /Failed to load resource|WebSocket connection to/;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  settings: [{}, { scope: 'worker', option: true }],
  sandkeeper: [
    async ({ settings }, use) => {
      const sandkeeper = await Sandkeeper.open({ env: settings });
      await use(sandkeeper);
      await sandkeeper.close();
    },
    { scope: 'worker', timeout: 150_000 },
  ],
  sessions: [async ({ sandkeeper }, use) => use(await sandkeeper.openSessions()), { scope: 'worker' }],
  baseURL: async ({ sandkeeper }, use) => use(sandkeeper.url),
  moru: ({ sandkeeper }, use) => use(new Moru(sandkeeper.engine)),
  signIn: ({ sandkeeper, sessions }, use) =>
    use(async (page, role = 'admin') => {
      await page.context().addCookies([
        {
          name: sandkeeper.sessionCookieName,
          value: sessions[role],
          url: sandkeeper.url,
          httpOnly: true,
          sameSite: 'Strict',
        },
      ]);
    }),
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on('weberror', (error) => complaints.push(String(error.error())));
      context.on('console', (message: ConsoleMessage) => {
        if (message.type() === 'error' && !ABOUT_REQUESTS.test(message.text()))
          complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints, 'errors in the console').toEqual([]);
    },
    { auto: true },
  ],
  tidied: [
    async ({ sandkeeper, moru }, use) => {
      await use(undefined);
      await sandkeeper.engine.start();
      await moru.clearFaults();
      await moru.killAll();
    },
    { auto: true },
  ],
});

export { expect, type Page };
