import { test as base, type ConsoleMessage, expect, type Page } from '@playwright/test';
import type { Role } from '../../lib/roles';
import { Sandkeeper } from './deployment';
import { Moru } from './moru';

type TestFixtures = {
  moru: Moru;
  /** Errors in the browser console. A test that expects some removes them. */
  complaints: string[];
  /** Signs a page in by setting its cookie, without the form. */
  signIn: (page: Page, role?: Role) => Promise<void>;
  /** Restarts the engine if necessary and removes all faults and sandboxes after each test. */
  tidied: undefined;
};
type WorkerFixtures = {
  /** Additional settings of the server. A file that changes them gets its own instance. */
  settings: Record<string, string>;
  sandkeeper: Sandkeeper;
  sessions: Record<Role, string>;
};

/** The browser logs every failed request. Tests check how the page handles it instead. */
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
          sameSite: 'Lax',
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
