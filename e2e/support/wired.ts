import { test as base } from './fixtures';
import { freePort } from './processes';
import { Wire } from './wire';

/** Sandkeeper behind a network that can be cut. */
export const test = base.extend<object, { wire: Wire }>({
  wire: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the required fixtures from the pattern.
    async ({}, use) => {
      const wire = await Wire.open();
      await use(wire);
      wire.close();
    },
    { scope: 'worker' },
  ],
  settings: [
    async ({ wire }, use) => {
      const port = await freePort();
      wire.setTarget(port);
      await use({ PORT: String(port), SANDKEEPER_URL: wire.url });
    },
    { scope: 'worker' },
  ],
});
