import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from './fixtures';

/** Describing every passed node as well takes most of the time on a large page. */
const VIOLATIONS_ONLY = { resultTypes: ['violations' as const] };

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
  await expectNoFindings(page, description, () => new AxeBuilder({ page }).options(VIOLATIONS_ONLY), options);
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
  const colors = () => new AxeBuilder({ page }).options({ ...VIOLATIONS_ONLY }).withRules('color-contrast');
  await expectNoFindings(page, `${description}, dark`, colors, options);
  await page.emulateMedia({ colorScheme: 'light' });
}

async function expectNoFindings(
  page: Page,
  description: string,
  axe: () => AxeBuilder,
  { isStrict = false }: Options,
): Promise<void> {
  // The title is briefly empty during navigation.
  await expect(page).toHaveTitle(/Sandkeeper/);
  // Transitional colours would fail the contrast check. Infinite animations never finish.
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
  expect(findings, description).toEqual([]);
}
