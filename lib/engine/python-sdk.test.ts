import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { apiKeyFor, type Dialect } from './dialect';
import { exactEnv } from './jail/environment';
import { canRun, type ProcessEngine, startProcessEngine } from './jail/test-process-engine';

/** Drives the engine with the Python SDKs, where Python has them. */

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('./python-sdk.py', import.meta.url));
const PACKAGES = ['e2b', 'moru'] as const satisfies readonly Dialect[];

const canImport = await Promise.all(
  PACKAGES.map((name) =>
    run('python3', ['-c', `import ${name}`]).then(
      () => true,
      () => false,
    ),
  ),
);
const packages = PACKAGES.map((name, index) => ({ name, isInstalled: canImport[index] === true }));
const missing = packages.filter(({ isInstalled }) => !isInstalled).map(({ name }) => name);
if (missing.length > 0) {
  console.log(`Skipping tests of Python SDKs: python3 cannot import ${missing.join(' and ')}.`);
}

describe.runIf(canRun)('the Python SDK', () => {
  let engine: ProcessEngine;

  beforeAll(async () => {
    if (missing.length < PACKAGES.length) engine = await startProcessEngine();
  });

  for (const { name, isInstalled } of packages) {
    test.runIf(isInstalled)(`${name} creates, lists, uses, pauses and kills sandboxes`, async () => {
      const prefix = name.toUpperCase();
      const { stdout } = await run('python3', [SCRIPT, name], {
        env: exactEnv({
          PATH: process.env.PATH ?? '',
          [`${prefix}_API_URL`]: engine.url,
          [`${prefix}_SANDBOX_URL`]: engine.url,
          [`${prefix}_API_KEY`]: apiKeyFor(name, engine.apiKey),
        }),
      });
      expect(stdout.trim().split('\n').at(-1)).toBe('nothing left');
    });
  }
});
