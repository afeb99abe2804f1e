/** Shared by the browser tests of previews. */
import type { Locator } from '@playwright/test';
import { test as base, expect, type Page } from './fixtures';
import { pageOf } from './local';
import { Moru } from './moru';

export const HOME = '/home/user';

/** `box`: a running sandbox shared by the tests of a worker, each with its own files. */
export const test = base.extend<object, { box: Box }>({
  box: [
    async ({ sandkeeper }, use) => {
      const moru = new Moru(sandkeeper.engine);
      await use(new Box(moru, await moru.create({ timeoutMs: 3_600_000 })));
    },
    { scope: 'worker' },
  ],
  // The shared sandbox stays; only faults are cleared.
  tidied: async ({ moru }, use) => {
    await use(undefined);
    await moru.clearFaults();
  },
});

export class Box {
  constructor(
    readonly moru: Moru,
    readonly id: string,
  ) {}

  async run(script: string): Promise<void> {
    await (await this.moru.handle(this.id)).commands.run(`cd ~; ${script}`, { timeoutMs: 60_000 });
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    const data = typeof content === 'string' ? content : Uint8Array.from(content).buffer;
    await (await this.moru.handle(this.id)).files.write(`${HOME}/${name}`, data);
  }

  async open(page: Page, name: string, more: Record<string, string> = {}): Promise<void> {
    const search = new URLSearchParams({ file: `${HOME}/${name}`, ...more });
    await page.goto(`${pageOf(this.id)}/files?${search}`);
  }
}

export const preview = (page: Page) => page.getByRole('region', { name: 'Preview' });
export const text = (page: Page) => preview(page).getByRole('textbox', { name: /^Text of / });
export const viewButton = (page: Page, name: string) =>
  preview(page).getByRole('group', { name: 'Show as' }).getByRole('button', { name });

/** The gutter number of a line. */
export function numbered(page: Page, line: number): Locator {
  return preview(page)
    .locator('.cm-gutterElement')
    .filter({ hasText: new RegExp(`^${line}$`) });
}

/** Every hostile sample tries to set `pwned`. */
export async function expectNothingRan(page: Page): Promise<void> {
  expect(await page.evaluate(() => Object.hasOwn(window, 'pwned'))).toBe(false);
}

export { expect, type Page };
