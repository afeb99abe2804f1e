import axe from 'axe-core';
import { expect } from 'vitest';

/** Checks with axe in component tests. `e2e/support/accessible.ts` does the same for whole pages. */

/** Concern the page around the component. */
const PAGE_RULES = ['document-title', 'html-has-lang', 'landmark-one-main', 'page-has-heading-one', 'region'];
const OFF = Object.fromEntries(PAGE_RULES.map((rule) => [rule, { enabled: false }]));

/** Expects no serious or critical violations. */
export async function expectAccessible(description: string, options: axe.RunOptions = {}): Promise<void> {
  await Promise.all(
    document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY)
      .map(({ finished }) => finished.catch(() => {})),
  );
  const { violations } = await axe.run(document, { resultTypes: ['violations'], rules: OFF, ...options });
  const findings = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ html }) => html).join(' ')})`);
  expect(findings, description).toEqual([]);
}

/** Checks everything in the light theme, and the contrast of colours in the dark one. */
export async function expectAccessibleInBothThemes(description: string): Promise<void> {
  const root = document.documentElement;
  root.dataset.theme = 'light';
  await expectAccessible(`${description}, light`);
  root.dataset.theme = 'dark';
  await expectAccessible(`${description}, dark`, { runOnly: ['color-contrast'] });
  delete root.dataset.theme;
}
