import { defineConfig } from '@playwright/test';
import { findChromium } from './scripts/lib/chromium.mjs';
import { emptySettings } from './scripts/lib/own-settings.mjs';

Object.assign(process.env, emptySettings());
// Looked up once: the workers load this file too and inherit the answer.
process.env.CHROMIUM_PATH = (await findChromium()) ?? '';

export default defineConfig({
  testDir: 'e2e',
  // Tests of e2e/http are run by Vitest.
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  // Each with a server of its own. Three leave a third of two cores idle.
  workers: 4,
  // CI gives a test that fails a second try, and says so in its result.
  retries: Number(process.env.TEST_RETRIES ?? 0),
  // Room for a busy machine: nothing waits this long unless it fails.
  timeout: 240_000,
  expect: { timeout: 45_000 },
  // Tests tagged @long run under `npm run test:long` alone.
  grepInvert: process.env.TEST_LONG ? undefined : /@long/,
  forbidOnly: Boolean(process.env.CI),
  use: {
    browserName: 'chromium',
    // A trace costs a tenth of the time. CI retries, which gives each failure one.
    trace: 'on-first-retry',
    launchOptions: {
      chromiumSandbox: false,
      executablePath: process.env.CHROMIUM_PATH || undefined,
      args: ['--disable-background-networking', '--disable-dev-shm-usage', '--disable-gpu'],
    },
  },
});
