import { test as base, expect } from 'vitest';
import type { Role } from '../../lib/roles';
import { Sandkeeper } from '../support/deployment';
import { Moru } from '../support/moru';

type Fixtures = {
  $worker: { sandkeeper: Sandkeeper; sessions: Record<Role, string> };
  $test: { moru: Moru };
};

/** Tests of the running server without a browser. The test files of a worker share one server. */
export const test = base.extend<Fixtures>({
  sandkeeper: [
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads the required fixtures from the pattern.
    async ({}, use) => {
      const sandkeeper = await Sandkeeper.open();
      await use(sandkeeper);
      await sandkeeper.close();
    },
    { scope: 'worker' },
  ],
  sessions: [async ({ sandkeeper }, use) => use(await sandkeeper.openSessions()), { scope: 'worker' }],
  /** Leaves the engine without sandboxes and faults. */
  moru: [
    async ({ sandkeeper }, use) => {
      const moru = new Moru(sandkeeper.engine);
      await use(moru);
      await moru.clearFaults();
      await moru.killAll();
    },
    { auto: true },
  ],
});

export { expect };
