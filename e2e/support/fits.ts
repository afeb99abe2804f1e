import { expect, type Page } from './fixtures';

/** The smallest size of a target that a thumb hits, WCAG 2.2 (2.5.8). */
const MIN_TARGET_PX = 24;

/** Expects that the page is not wider than the window, and that nothing lies outside of it. */
export async function expectNoSidewaysScroll(page: Page, description: string): Promise<void> {
  // By element: an open dialog hides the page from assistive technology.
  const main = page.locator('main').first();
  await expect(main).toBeVisible();
  const overflowPx = await main.evaluate((element, widthPx) => {
    // Not of the window: on a phone it grows with a page that is too wide.
    const { scrollWidth } = document.documentElement;
    return Math.max(scrollWidth - widthPx, element.scrollWidth - element.clientWidth);
  }, page.viewportSize()?.width ?? 0);
  expect(overflowPx, `${description} is wider than the window`).toBeLessThanOrEqual(0);
}

/** Expects that the page fits the width of the window and that all its controls are large enough. */
export async function expectFits(page: Page, description: string): Promise<void> {
  await expectNoSidewaysScroll(page, description);
  const small = await page.evaluate((minPx) => {
    const controls = [
      ...document.querySelectorAll<HTMLElement>(
        'button:not(.sr-only), [role=button], [role=tab], select, nav a',
      ),
    ];
    const tooSmall = controls.filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      const isShown =
        element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && width > 1;
      // A link within text is exempt.
      return isShown && Math.min(width, height) < minPx && getComputedStyle(element).display !== 'inline';
    });
    return tooSmall.map(({ outerHTML }) => outerHTML.slice(0, 260));
  }, MIN_TARGET_PX);
  expect(small, `${description} has small targets`).toEqual([]);
}
