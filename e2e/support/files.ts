import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { test as base, expect, type Page } from './fixtures';
import type { Moru } from './moru';

/** Helpers for the files of a sandbox. */

export const HOME = '/home/user';

/** `dir`: an empty directory on this machine for one test. */
export const test = base.extend<{ dir: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the required fixtures from the pattern.
  dir: async ({}, use) => {
    const dir = await mkdtemp(join(tmpdir(), 'sandkeeper-files-'));
    await use(dir);
    await rm(dir, { recursive: true, force: true });
  },
});

export const tree = (page: Page) => page.getByRole('treegrid', { name: 'Files' });
export const main = (page: Page) => page.getByRole('main');

/** The row of a file, by its name as shown, where symbols replace invisible characters. */
export function row(page: Page, name: string): Locator {
  return tree(page)
    .getByRole('row')
    .filter({ has: page.getByRole('checkbox', { name: `Select ${name}`, exact: true }) });
}

/** The visible names from top to bottom, indented by their level. */
async function namesShown(page: Page): Promise<string[]> {
  const shown = await tree(page)
    .getByRole('row')
    .evaluateAll((elements) =>
      elements.flatMap((element) => {
        const name = element.querySelector('[role=gridcell] input')?.getAttribute('aria-label');
        const level = Number(element.getAttribute('aria-level'));
        const at = Number(element.getAttribute('aria-rowindex'));
        return name ? [{ at, text: '  '.repeat(level - 1) + name.replace('Select ', '') }] : [];
      }),
    );
  return shown.sort((a, b) => a.at - b.at).map(({ text }) => text);
}

export const expectNames = (page: Page, names: string[]) =>
  expect.poll(() => namesShown(page)).toEqual(names);

/** Creates a sandbox, empties its home directory and runs `script` there. */
export async function createWith(moru: Moru, script: string): Promise<string> {
  const id = await moru.create();
  await runIn(moru, id, `rm -rf ~/.[!.]* ~/*; cd ~; ${script}`);
  return id;
}

export async function runIn(moru: Moru, id: string, script: string): Promise<void> {
  await (await moru.handle(id)).commands.run(script);
}

export const LEFTOVERS =
  'mkdir -p .cache out/shards empty && echo one > out/report.html && head -c 2048 /dev/zero > run.log' +
  ' && echo hidden > .env && echo hi > judge.py && touch -d "2021-03-04 05:06:07" judge.py && ln -s out/report.html latest';
