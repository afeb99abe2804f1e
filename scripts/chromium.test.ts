import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findChromium, isWorkingBrowser } from './lib/chromium.mjs';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-browser-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Writes an executable that prints a version like a browser, or fails like one with missing libraries. */
function makeBrowser(place: string, { works = true } = {}): string {
  const file = path.join(folder, place);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, works ? '#!/bin/sh\necho "Chromium 150.0"\n' : '#!/bin/sh\nexit 127\n', {
    mode: 0o755,
  });
  return file;
}

const env = (more: Partial<NodeJS.ProcessEnv> = {}): NodeJS.ProcessEnv => ({
  NODE_ENV: 'test',
  PATH: `${path.join(folder, 'bin')}${path.delimiter}${path.join(folder, 'sbin')}`,
  ...more,
});
const nothing = async () => undefined;

describe('findChromium', () => {
  it('prefers CHROMIUM_PATH, then Playwright’s browser, then PATH, then the usual places', async () => {
    const explicit = makeBrowser('mine/chrome');
    const own = makeBrowser('playwright/chrome');
    const inPath = makeBrowser('sbin/chromium');
    const usual = makeBrowser('opt/chrome');
    const playwrights = async () => own;
    const places = [usual];

    expect(await findChromium({ env: env({ CHROMIUM_PATH: explicit }), playwrights, places })).toBe(explicit);
    expect(await findChromium({ env: env(), playwrights, places })).toBe(own);
    expect(await findChromium({ env: env(), playwrights: nothing, places })).toBe(inPath);
    fs.rmSync(inPath);
    expect(await findChromium({ env: env(), playwrights: nothing, places })).toBe(usual);
    fs.rmSync(usual);
    expect(await findChromium({ env: env(), playwrights: nothing, places })).toBeUndefined();
  });

  it('prefers the headless shell anywhere in PATH', async () => {
    makeBrowser('bin/chromium');
    const shell = makeBrowser('sbin/chromium-headless-shell');
    expect(await findChromium({ env: env(), playwrights: nothing, places: [] })).toBe(shell);
  });

  it('skips browsers that do not run', async () => {
    const own = makeBrowser('playwright/chrome', { works: false });
    makeBrowser('bin/chromium-browser', { works: false });
    const chrome = makeBrowser('sbin/google-chrome');
    expect(await findChromium({ env: env(), playwrights: async () => own, places: [] })).toBe(chrome);
  });

  it('rejects a CHROMIUM_PATH that does not run, even if another browser does', async () => {
    makeBrowser('bin/chromium');
    const CHROMIUM_PATH = path.join(folder, 'absent');
    await expect(
      findChromium({ env: env({ CHROMIUM_PATH }), playwrights: nothing, places: [] }),
    ).rejects.toThrow(`CHROMIUM_PATH is ${CHROMIUM_PATH}`);
  });
});

describe('isWorkingBrowser', () => {
  it('accepts only browsers', () => {
    expect(isWorkingBrowser(makeBrowser('bin/chromium'))).toBe(true);
    expect(isWorkingBrowser(process.execPath)).toBe(false);
    expect(isWorkingBrowser(folder)).toBe(false);
  });
});
