import { visibleText } from '../lib/visible-text';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import {
  askToKill,
  dock,
  expectMarked,
  expectRow,
  filterBox,
  headCheckbox,
  lookAway,
  openFleet,
  row,
  rows,
} from './support/vocabulary';

const ATTACK = '<img src=x onerror="window.attacked = true"><script>window.attacked = true</script>';

/** Metadata that could do harm. */
const HOSTILE: Record<string, string> = {
  html: ATTACK,
  [ATTACK]: 'key',
  'script-end': '</script><script>window.attacked = true</script>',
  'rtl\u202E': 'safe\u202Egnp.exe',
  bidi: '\u2066\u2067\u2068 mixed \u2069',
  arabic: 'مرحبا',
  long: 'x'.repeat(4_000),
  emoji: '👩‍👩‍👧‍👦 é\u0301',
  quotes: `"it's" \\ a 'quote'`,
  newline: 'first\nsecond\r\nthird\ttab',
  blank: '',
  spaces: '   ',
  operators: '=!=<>:,*',
  'a key, with = and "quotes"': 'v',
  age: '5',
  state: 'paused',
  constructor: 'x',
  template: '#{7*7} {{7*7}} %s %00',
  zero: 'a\u200Bb\uFEFFc',
  url: 'javascript:window.attacked=true',
};

async function expectUnharmed(page: Page): Promise<void> {
  await expectMarked(page);
  expect(await page.evaluate(() => 'attacked' in window)).toBe(false);
  expect(await page.evaluate(() => 'polluted' in {})).toBe(false);
}

test.beforeEach(({ page, signIn }) => signIn(page));

test('shows hostile metadata as text, also from the URL', async ({ page, moru }) => {
  // In an object literal, `__proto__` would set the prototype.
  const metadata = Object.defineProperty({ ...HOSTILE }, '__proto__', {
    value: 'polluted',
    enumerable: true,
  });
  await moru.createMany(1, () => metadata);
  const [id = ''] = await moru.listIds();
  await openFleet(page);
  await expectRow(page, id);
  await expect(row(page, id).getByTitle(`Filter by html=${ATTACK}`)).toContainText(ATTACK);
  const more = row(page, id).getByRole('button', { name: /^\+\d+ more: / });
  await expect(more).toHaveAccessibleName(/rtl\[RLO\]=safe\[RLO\]gnp\.exe/);
  await more.click();
  const all = page.getByRole('dialog', { name: 'Metadata' });
  await expect(all.getByTitle('Filter by rtl[RLO]=safe[RLO]gnp.exe')).toContainText(
    'rtl[RLO]=safe[RLO]gnp.exe',
  );
  await expectUnharmed(page);
  await page.keyboard.press('Escape');
  await expect(all).toBeHidden();

  // Metadata does not change the height of the row or the width of the page.
  expect((await row(page, id).boundingBox())?.height).toBe(34);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);

  const dialog = await askToKill(page, id);
  await expect(dialog).toContainText(ATTACK);
  await expectUnharmed(page);
  const box = await dialog.boundingBox();
  expect(box?.width).toBeLessThanOrEqual(560);
  expect(box?.height).toBeLessThan(700);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Columns' }).click();
  for (const key of ['html', 'long', 'newline', 'constructor']) {
    await page.getByRole('checkbox', { name: new RegExp(`^${key}`) }).check();
  }
  await page.keyboard.press('Escape');
  await expect(row(page, id).getByRole('gridcell', { name: ATTACK, exact: true })).toBeVisible();
  expect((await row(page, id).boundingBox())?.height).toBe(34);
  await page.getByRole('columnheader', { name: 'constructor' }).getByRole('button').click();
  await openFleet(page, new URL(page.url()).search);
  await expectRow(page, id);
  await expectUnharmed(page);

  await page.goto(pageOf(id));
  await expect(page.getByText(ATTACK).first()).toBeVisible();
  await expectUnharmed(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);

  const quoted = `html="${ATTACK.replaceAll('"', '\\"')}"`;
  await openFleet(page, `?q=${encodeURIComponent(quoted)}`);
  await expectRow(page, id);
  await openFleet(
    page,
    `?q=${encodeURIComponent(ATTACK)}&cols=${encodeURIComponent(ATTACK)}&sort=${encodeURIComponent(ATTACK)}`,
  );
  await expect(page.getByRole('heading', { name: 'Sandboxes', exact: true })).toBeAttached();
  await expectUnharmed(page);
});

test('shows hostile metadata in the plan of a bulk kill as text, without horizontal scrolling', async ({
  page,
  moru,
}) => {
  const others = Object.fromEntries(Object.keys(HOSTILE).map((key) => [key, ATTACK.repeat(20)]));
  await moru.createMany(8, (at) => (at < 6 ? HOSTILE : others));
  await openFleet(page);
  await expect(rows(page)).toHaveCount(8);
  for (const [width, rowHeight] of [
    [1280, 30],
    [400, 50],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    await headCheckbox(page).check();
    await dock(page).getByRole('button', { name: /^Kill/ }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Kill 8 sandboxes' });
    await expect(dialog.getByRole('button', { name: 'Kill 8 sandboxes' })).toBeVisible();
    await expect(dialog).toContainText(ATTACK);
    const list = dialog.getByRole('region', { name: 'Sandboxes to kill' });
    for (const item of await list.getByRole('listitem').all())
      expect((await item.boundingBox())?.height).toBe(rowHeight);
    const countScrollable = (element: Element) =>
      [element, ...element.querySelectorAll('*')].filter(
        (part) => /auto|scroll/.test(getComputedStyle(part).overflowX) && part.scrollWidth > part.clientWidth,
      ).length;
    expect(await dialog.evaluate(countScrollable)).toBe(0);
    await expectUnharmed(page);
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await headCheckbox(page).uncheck();
  }
});

test('filters by each hostile value with a click', async ({ page, moru }) => {
  test.slow();
  const pairs = Object.entries(HOSTILE).filter(([, value]) => value.length < 1_000);
  const plain = await moru.create({ metadata: { owner: 'ana' } });
  await moru.createMany(pairs.length, (index) => {
    const [key = '', value = ''] = pairs[index] ?? [];
    return Object.defineProperty({}, key, { value, enumerable: true });
  });
  await openFleet(page);
  await expect(rows(page)).toHaveCount(pairs.length + 1);
  for (const [key, value] of pairs) {
    const chip = page.locator(
      `button[title=${JSON.stringify(`Filter by ${visibleText(key)}=${visibleText(value)}`)}]`,
    );
    await chip.first().click();
    await lookAway(page);
    await expect(rows(page), `${key}=${value}`).toHaveCount(1);
    await expect(page.getByRole('button', { name: /^Remove / })).toHaveCount(1);
    await expect(filterBox(page)).toHaveAttribute('aria-invalid', 'false');
    await page.getByRole('button', { name: 'Clear filter' }).click();
    await expectRow(page, plain);
  }
  await expectUnharmed(page);
});

test('treats a hostile id or connection in the URL as unknown', async ({ page, sandkeeper }) => {
  for (const id of [ATTACK, '..', '%', '%E0%A4%A', '\u202E', 'a'.repeat(300), 'i/../../x', '__proto__']) {
    for (const path of [
      pageOf(id),
      `/sandboxes/${encodeURIComponent(id)}`,
      `/c/${encodeURIComponent(id)}/sandboxes/x`,
    ]) {
      const answer = await page.goto(`${sandkeeper.url}${path}`);
      expect(answer?.status(), path).toBeLessThan(500);
      await expect(page.getByText('could not be loaded'), path).toHaveCount(0);
      await expectUnharmed(page);
    }
  }
});
