import { expect } from 'vitest';
import { type Locator, page } from 'vitest/browser';

/** The preview of a file, in component tests. */

export const preview = page.getByRole('region', { name: 'Preview' });
export const text = preview.getByRole('textbox', { name: /^Text of / });
export const changed = page.getByRole('status').filter({ hasText: 'The file has changed.' });

export const viewButton = (name: string): Locator =>
  preview.getByRole('group', { name: 'Show as' }).getByRole('button', { name });

/** The gutter number of a line, once it is in view. */
export async function expectLineInView(line: number): Promise<void> {
  await expect.element(preview).toBeVisible();
  await expect.poll(() => isInView(gutterElement(preview.element(), line))).toBe(true);
}

export function gutterElement(root: Element, line: number): Element | undefined {
  return [...root.querySelectorAll('.cm-gutterElement')].find(
    ({ textContent }) => textContent === String(line),
  );
}

/** Every hostile sample tries to set `pwned`. */
export function expectNothingRan(): void {
  expect(Object.hasOwn(window, 'pwned')).toBe(false);
}

function isInView(element: Element | undefined): boolean {
  const { top, bottom } = element?.getBoundingClientRect() ?? { top: -1, bottom: -1 };
  return top >= 0 && bottom <= window.innerHeight;
}
