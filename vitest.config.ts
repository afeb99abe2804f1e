import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { moruCommands } from './e2e/support/served/commands.ts';
import { servedBySandkeeper } from './e2e/support/served/plugin.ts';
import { findChromium } from './scripts/lib/chromium.mjs';
import { emptySettings } from './scripts/lib/own-settings.mjs';
import { findTests, isPure, leavesProcess } from './scripts/lib/test-kinds.mjs';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const BROWSER_TEST = /\.browser\.test\.tsx$/;
const tests = findTests(['components', 'lib', 'scripts']).filter((file) => !BROWSER_TEST.test(file));
const reachingOut = tests.filter((file) => !isPure(file));
const inProduction = { 'process.env.NODE_ENV': '"production"' };
const executablePath = await findChromium().catch(() => undefined);

export default defineConfig({
  resolve: {
    // The same two as in the bundles of scripts/lib/build.mjs.
    alias: { '@': here('.').replace(/\/$/, ''), 'server-only': here('node_modules/server-only/empty.js') },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: tests.filter(isPure), pool: 'threads', isolate: false },
      },
      {
        extends: true,
        test: { name: 'shared', include: reachingOut.filter(leavesProcess), pool: 'forks', isolate: false },
      },
      {
        // A process of its own takes half a second for each file.
        extends: true,
        test: {
          name: 'integration',
          include: reachingOut.filter((file) => !leavesProcess(file)),
          pool: 'forks',
        },
      },
      {
        // Needs a build. Files of the same worker share a server.
        extends: true,
        test: {
          name: 'http',
          include: ['e2e/http/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
        },
      },
      {
        // Components in a real browser, with the styles of the product and React as in the product: the one for development
        // takes twice the time.
        extends: true,
        plugins: [await servedBySandkeeper()],
        define: { ...inProduction, 'process.env': '{}' },
        oxc: { jsx: { runtime: 'automatic', development: false } },
        // Bundled before the first test. A package found later would be bundled with a second copy of React.
        optimizeDeps: {
          entries: ['components/**/*.tsx'],
          include: ['vitest-browser-react'],
          rolldownOptions: { transform: { define: inProduction } },
        },
        test: {
          name: 'browser',
          include: ['components/**/*.browser.test.tsx'],
          globalSetup: ['e2e/support/served/global-setup.ts'],
          setupFiles: ['e2e/support/component-setup.ts'],
          env: {},
          browser: {
            enabled: true,
            headless: true,
            provider: playwright({
              launchOptions: {
                ...(executablePath && { executablePath }),
                args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
              },
            }),
            instances: [{ browser: 'chromium' }],
            screenshotFailures: false,
            viewport: { width: 1280, height: 720 },
            commands: moruCommands,
          },
        },
      },
    ],
    environment: 'node',
    env: emptySettings(),
    // Vitest sends what a worker prints to its main process, and a line that is on its way when the worker ends fails the run.
    disableConsoleIntercept: true,
    // Tests mostly wait, so two workers per core finish sooner than one.
    maxWorkers: 2 * Math.max(2, availableParallelism() - 1),
    // Room for a busy machine: nothing waits this long unless it fails.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // CI gives a test that fails a second try, and says so in its result. But what a property was refuted by is refuted.
    retry: { count: Number(process.env.TEST_RETRIES ?? 0), condition: /^(?!Property failed)/ },
    expect: { poll: { timeout: 60_000 } },
  },
});
