import { test as base, type ConsoleMessage, expect, type Page } from '@playwright/test';
import type { Role } from '../../lib/access/roles';
import { House } from './deployment';
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
  /** Settings of the server beyond the usual ones; a file that changes them gets a house of its own. */
  settings: Record<string, string>;
  house: House;
  sessions: Record<Role, string>;
};

/** The browser's own words for requests that failed; what a page does about those is what tests look at. */
const ABOUT_REQUESTS = /Failed to load resource|WebSocket connection to/;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  settings: [{}, { scope: 'worker', option: true }],
  house: [
    async ({ settings }, use) => {
      const house = await House.open({ env: settings });
      await use(house);
      await house.close();
    },
    { scope: 'worker', timeout: 150_000 },
  ],
  sessions: [async ({ house }, use) => use(await house.openSessions()), { scope: 'worker' }],
  baseURL: async ({ house }, use) => use(house.url),
  moru: ({ house }, use) => use(new Moru(house.engine)),
  signIn: ({ house, sessions }, use) =>
    use(async (page, role = 'admin') => {
      await page.context().addCookies([
        {
          name: house.sessionCookieName,
          value: sessions[role],
          url: house.url,
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
    async ({ house, moru }, use) => {
      await use(undefined);
      await house.engine.start();
      await moru.clearFaults();
      await moru.killAll();
    },
    { auto: true },
  ],
});

export { expect, type Page };
