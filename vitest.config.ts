import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { emptySettings } from './scripts/lib/own-settings.mjs';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // The same two as in the bundles of scripts/lib/build.mjs.
    alias: { '@': here('.').replace(/\/$/, ''), 'server-only': here('node_modules/server-only/empty.js') },
  },
  test: {
    include: ['lib/**/*.test.ts', 'scripts/**/*.test.ts', 'components/**/*.test.{ts,tsx}'],
    environment: 'node',
    env: emptySettings(),
    pool: 'forks',
    // Tests mostly wait, so two workers per core finish sooner than one.
    maxWorkers: 2 * Math.max(2, availableParallelism() - 1),
    // Room for a busy machine: nothing waits this long unless it fails.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // CI gives a test that fails a second try, and says so in its result. But what a property was refuted by is refuted.
    retry: { count: Number(process.env.TEST_RETRIES ?? 0), condition: /^(?!Property failed)/ },
    expect: { poll: { timeout: 20_000 } },
  },
});
