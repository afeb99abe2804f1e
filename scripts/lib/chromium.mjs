// @ts-check
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { aptInstall } from './apt.mjs';
import { installedCommand, tryQuietly } from './commands.mjs';
import { CommandError } from './terminal.mjs';

/** The headless shell comes first: it uses a quarter less CPU than the full browser. */
const commandNames = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];
/** Where installers put a browser without adding it to PATH. */
const usualPlaces = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/lib/chromium/chromium',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const chromiumAdvice =
  'No working Chromium found for the browser tests. Install one with `npx playwright install --with-deps chromium`, or set CHROMIUM_PATH to an installed one.';

/**
 * Whether the browser starts. A launcher stub or a browser with missing libraries does not.
 * @param {string} file
 */
export function isWorkingBrowser(file) {
  if (!fs.existsSync(file)) return false;
  const { status, stdout } = spawnSync(file, ['--version'], {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 && /chrom/i.test(stdout);
}

/** @returns {Promise<string | undefined>} the path at which Playwright installs Chromium */
async function findPlaywrightsOwn() {
  try {
    return (await import('@playwright/test')).chromium.executablePath();
  } catch {
    return undefined;
  }
}

/**
 * The first working browser of CHROMIUM_PATH, Playwright's, those in PATH and those in the usual places.
 * @param {{ env?: NodeJS.ProcessEnv, playwrights?: () => Promise<string | undefined>, places?: string[] }} [options]
 * @returns {Promise<string | undefined>}
 * @throws {CommandError} if CHROMIUM_PATH is set and does not work
 */
export async function findChromium({
  env = process.env,
  playwrights = findPlaywrightsOwn,
  places = usualPlaces,
} = {}) {
  if (env.CHROMIUM_PATH) {
    if (isWorkingBrowser(env.CHROMIUM_PATH)) return env.CHROMIUM_PATH;
    throw new CommandError(
      `CHROMIUM_PATH is ${env.CHROMIUM_PATH}, which is not a working Chromium. Correct or unset it.`,
    );
  }
  const folders = (env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const inPath = commandNames.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const own = await playwrights();
  return [...(own ? [own] : []), ...inPath, ...places].find(isWorkingBrowser);
}

/**
 * Finds a Chromium, or downloads Playwright's, or installs the system package.
 * @returns {Promise<string>}
 * @throws {CommandError} with the command that installs one
 */
export async function provideChromium() {
  const found = await findChromium();
  if (found) return found;
  await tryQuietly('Downloading Chromium', installedCommand('playwright'), ['install', 'chromium'], {
    env: { PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '10000' },
    timeoutMs: 120_000,
  });
  const downloaded = await findChromium();
  if (downloaded) return downloaded;
  for (const name of ['chromium-headless-shell', 'chromium']) {
    const isInstalled = await aptInstall(name, 'the browser tests need a browser');
    const installed = isInstalled && (await findChromium());
    if (installed) return installed;
  }
  throw new CommandError(chromiumAdvice);
}
