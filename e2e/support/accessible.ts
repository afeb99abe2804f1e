import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from './fixtures';

/** Nothing serious or critical that axe could find, and a page with a title. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  // While a page is replaced it has no title for a moment.
  await expect(page).toHaveTitle(/Sandkeeper/);
  // Colours on their way into a dialog are nobody's to read. What blinks or pulses never comes to an end.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
        .map((animation) => animation.finished.catch(() => {})),
    ),
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const findings = serious.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map((node) => node.html).join(' ')})`,
  );
  expect(findings, what).toEqual([]);
}
