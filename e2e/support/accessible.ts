import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from './fixtures';

type Options = {
  /** Report findings of moderate and minor impact too. */
  isStrict?: boolean;
};

/** Expects a page with a title and without serious or critical findings of axe. */
export async function expectAccessible(page: Page, what: string, options: Options = {}): Promise<void> {
  await expectNoFindings(page, what, () => new AxeBuilder({ page }), options);
}

/** The same in the light theme, then in the dark one by colour contrast alone: a theme changes nothing else. */
export async function expectAccessibleInBothThemes(
  page: Page,
  what: string,
  options: Options = {},
): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await expectAccessible(page, `${what}, light`, options);
  await page.emulateMedia({ colorScheme: 'dark' });
  const colors = () => new AxeBuilder({ page }).withRules('color-contrast');
  await expectNoFindings(page, `${what}, dark`, colors, options);
  await page.emulateMedia({ colorScheme: 'light' });
}

async function expectNoFindings(
  page: Page,
  what: string,
  axe: () => AxeBuilder,
  { isStrict = false }: Options,
): Promise<void> {
  // While a page is replaced it has no title for a moment.
  await expect(page).toHaveTitle(/Sandkeeper/);
  // Colours that are still changing are not those of the design. What blinks or pulses never ends.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((animation) => animation.finished.catch(() => {})),
    ),
  );
  const { violations } = await axe().analyze();
  const reported = violations.filter(
    ({ impact }) => isStrict || impact === 'serious' || impact === 'critical',
  );
  const findings = reported.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.html).join(' ')})`,
  );
  expect(findings, what).toEqual([]);
}
