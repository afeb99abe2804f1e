import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import { filterBox, openFleet, row } from './support/vocabulary';

/** Later than the URL follows what is typed. */
const ANSWER_AFTER_MS = 1_200;

type Way = { name: string; leave: (page: Page, id: string) => Promise<void>; to: (id: string) => string };

/** The ways from the fleet to other pages, with the paths they lead to. */
const WAYS = {
  link: {
    name: 'the link of a row',
    leave: (page, id) => page.getByRole('link', { name: id }).click(),
    to: (id) => pageOf(id),
  },
  navigation: {
    name: 'the main navigation',
    leave: (page) =>
      page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Operations' }).click(),
    to: () => '/operations',
  },
  keyboard: {
    name: 'Enter on a row',
    async leave(page) {
      await page.getByRole('grid', { name: 'Sandboxes' }).focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
    },
    to: (id) => pageOf(id),
  },
  palette: {
    name: 'the command palette',
    async leave(page) {
      await page.keyboard.press('ControlOrMeta+k');
      await expect(page.getByRole('combobox', { name: 'Search commands and sandboxes' })).toBeFocused();
      await page.keyboard.type('access log');
      await page.keyboard.press('Enter');
    },
    to: () => '/operations/access',
  },
} satisfies Record<string, Way>;

test.afterEach(({ page }) => page.unrouteAll({ behavior: 'ignoreErrors' }));

for (const [name, ways] of [
  ['leaves the page at once after typing a filter, to which Back returns', [WAYS.link, WAYS.navigation]],
  ['leaves the page at once 20 times @long', Array.from({ length: 5 }, () => Object.values(WAYS)).flat()],
] as const) {
  test(name, async ({ page, signIn, moru }) => {
    test.setTimeout(300_000);
    await signIn(page);
    const id = await moru.create({ metadata: { owner: 'ana' } });
    await openFleet(page);
    await expect(row(page, id)).toBeVisible();
    await page.route(
      (url) => url.searchParams.has('_rsc'),
      async (route) => {
        await new Promise((resolve) => setTimeout(resolve, ANSWER_AFTER_MS));
        await route.continue();
      },
    );
    for (const [round, way] of ways.entries()) {
      // Not always a whole value: a click must not fail because its row matches no longer once the filter is finished.
      const text = way === WAYS.keyboard ? 'owner=ana' : `owner=${'ana'.slice(0, 1 + (round % 3))}`;
      await test.step(`${text}, ${way.name}`, async () => {
        await filterBox(page).pressSequentially(text);
        await way.leave(page, id);
        // Also while the page is being left. The palette goes away first, so that this would still be before it.
        if (way !== WAYS.palette) {
          await filterBox(page).press('End');
          await page.keyboard.type('x');
        }
        await expect(page).toHaveURL(way.to(id));
        await page.goBack();
        await expect(page).toHaveURL(`/sandboxes?q=${text}`);
        await expect(page.getByRole('button', { name: `Remove ${text}`, exact: true })).toBeVisible();
        await page.getByRole('button', { name: 'Clear filter' }).first().click();
        await expect(page).toHaveURL('/sandboxes');
      });
    }
  });
}
