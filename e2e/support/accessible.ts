import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { expect, type Page } from './fixtures';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Options = {
  /** Also reports violations of moderate and minor impact. */
  isStrict?: boolean;
};

/** Expects a page title and no serious or critical axe violations. */
export async function expectAccessible(
  page: Page,
  description: string,
  options: Options = {},
): Promise<void> {
  await expectNoFindings(page, description, {}, options);
}

/** Checks the page in the light theme. Checks only colour contrast in the dark theme, because themes change nothing else. */
export async function expectAccessibleInBothThemes(
  page: Page,
  description: string,
  options: Options = {},
): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await expectAccessible(page, `${description}, light`, options);
  await page.emulateMedia({ colorScheme: 'dark' });
  await expectNoFindings(page, `${description}, dark`, { runOnly: ['color-contrast'] }, options);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Expects no violations of the rules that `run` selects. */
export async function expectNoFindings(
  page: Page,
  description: string,
  run: RunOptions,
  { isStrict = false }: Options = {},
): Promise<void> {
  // The title is briefly empty during navigation.
  await expect(page).toHaveTitle(/Sandkeeper/);
  // Transitional colours would fail the contrast check, and a new theme applies from the next frame. Infinite animations
  // never finish.
  await page.evaluate(async () => {
    // The end of one transition can start that of an element within.
    for (let round = 0; round < 10; round += 1) {
      for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
      const running = document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY);
      if (running.length === 0) break;
      await Promise.all(running.map((animation) => animation.finished.catch(() => {})));
    }
  });
  const reported = (await findViolations(page, run)).filter(
    ({ impact }) => isStrict || impact === 'serious' || impact === 'critical',
  );
  const findings = reported.map(
    ({ id, help, nodes }) =>
      `${id}: ${help} (${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ''}`).join(' ')})`,
  );
  expect(findings, description).toEqual([]);
}

/** Runs axe in the page itself. `AxeBuilder` would open another page for each check, which takes most of the time. */
async function findViolations(page: Page, run: RunOptions): Promise<AxeResults['violations']> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  return page.evaluate(
    async (options) => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') };
      return (await axe.run(document, options)).violations;
    },
    { resultTypes: ['violations' as const], ...run },
  );
}
