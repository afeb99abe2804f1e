import { expectNoFindings } from './accessible';
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

/** A key that touch screens lack, as in "Ctrl K". */
const KEY = /⌘|\b(?:Ctrl|Shift|Alt|Esc|esc)\b/;

/** Expects that the page fits the width of a phone, that a thumb hits all its controls, and that it names no keys on a touch screen. */
export async function expectFits(page: Page, description: string): Promise<void> {
  await expectNoSidewaysScroll(page, description);
  await expectLargeTargets(page, description);
  // A narrow window on a desktop has a keyboard. Except on the keys that the page itself draws, and in output and files.
  const text = await page.evaluate(() =>
    (matchMedia('(pointer: coarse)').matches ? [...document.querySelectorAll<HTMLElement>('body *')] : [])
      .filter((element) => element.closest('[aria-label="Terminal keys"], pre, .xterm, .cm-editor') === null)
      .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
      .map((element) =>
        [...element.childNodes].map((node) => (node instanceof Text ? node.data : ' ')).join(''),
      ),
  );
  expect(
    text.filter((each) => KEY.test(each)),
    `${description} names keys`,
  ).toEqual([]);
}

async function expectLargeTargets(page: Page, description: string): Promise<void> {
  // Also links and fields. A small one needs room around it.
  await expectNoFindings(page, `the targets of ${description}`, { runOnly: ['target-size'] });
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
