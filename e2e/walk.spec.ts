import { devices, type Locator, type TestInfo } from '@playwright/test';
import { expectAccessibleInBothThemes } from './support/accessible';
import { expectOnScreen, expectPrompt, run } from './support/console';
import { expectFits, expectNoSidewaysScroll } from './support/fits';
import { expect, type Page, test } from './support/fixtures';
import { pageOf } from './support/local';
import type { Moru } from './support/moru';
import { dock, expectRow, filter, headCheckbox, openFleet, rows, toast } from './support/vocabulary';

const ENDED_WITHIN_MS = 60_000;
const LARGE = { viewport: { width: 1280, height: 800 } };
const { viewport, isMobile, hasTouch, userAgent } = devices['Pixel 7'];
const PHONE = { viewport: { ...viewport, width: 390 }, isMobile, hasTouch, userAgent };

/** A person who looks after sandboxes: acts, and checks the page after each act. Faults of a page do not end the walk. */
class Walk {
  readonly page: Page;
  readonly faults: string[] = [];
  readonly #info: TestInfo;
  readonly #isTouch: boolean;
  #stops = 0;

  constructor(page: Page, info: TestInfo, isTouch: boolean) {
    this.page = page;
    this.#info = info;
    this.#isTouch = isTouch;
  }

  async press(target: Locator): Promise<void> {
    if (this.#isTouch) await target.tap();
    else await target.click();
  }

  /** Goes to a place of the main navigation, which is a menu on a phone. */
  async goTo(place: 'Sandboxes' | 'Operations'): Promise<void> {
    const nav = this.page.getByRole('navigation', { name: 'Main' });
    if (!this.#isTouch) return nav.getByRole('link', { name: place }).click();
    await nav.getByRole('button').tap();
    await this.page.getByRole('menuitem', { name: place }).tap();
  }

  /** Goes to a tab of a sandbox. */
  async goToTab(name: string): Promise<void> {
    const tabs = this.page.getByRole('navigation', { name: 'This sandbox' });
    await this.press(tabs.getByRole('link', { name }));
    await expect(tabs.getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
  }

  /** Expects that an element has the focus, so that the keyboard continues from there. */
  async expectFocusKept(description: string): Promise<void> {
    const focused = expect.poll(() => this.page.evaluate(() => document.activeElement?.tagName ?? 'BODY'), {
      message: `${description} lost the focus`,
      timeout: 3_000,
    });
    await this.#note(() => focused.not.toBe('BODY'));
  }

  async #note(check: () => Promise<void>): Promise<void> {
    await check().catch((error: unknown) => this.faults.push(String(error)));
  }

  /** Checks and photographs the page. `isLoaded`: it has just loaded, and nothing had the focus before. */
  async stop(description: string, { isLoaded = false } = {}): Promise<void> {
    const { page } = this;
    if (!isLoaded) await this.expectFocusKept(description);
    await this.#note(() => (this.#isTouch ? expectFits : expectNoSidewaysScroll)(page, description));
    await this.#note(() => expectAccessibleInBothThemes(page, description));
    this.#stops += 1;
    const name = `${String(this.#stops).padStart(2, '0')}-${description.replaceAll(/\W+/g, '-')}`;
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({
        animations: 'disabled',
        path: this.#info.outputPath(`${name}-${colorScheme}.png`),
      });
    }
  }
}

/** Creates a fleet of several teams and returns the ids that the walk needs. */
async function fill(moru: Moru): Promise<{ notebook: string; kept: string }> {
  const metadata = (team: string) => ({ environment: 'development', team, owner: 'ana' });
  await moru.createMany(6, () => metadata('agents'));
  const kept = await moru.create({ metadata: { ...metadata('agents'), protected: 'true' } });
  await moru.createMany(10, () => metadata('evals'));
  await moru.createMany(15, (index) => ({ ...metadata('workers'), index: String(index) }));
  const notebook = await moru.create({ metadata: metadata('notebook') });
  const sandbox = await moru.handle(notebook);
  await sandbox.files.write('report.md', '# Report\n\nA line of text.\n');
  await sandbox.files.write(
    'train.log',
    'step 1, loss 0.5, and a line that is long enough to scroll\n'.repeat(80),
  );
  await sandbox.commands.run('exec sleep 3000', { background: true, timeoutMs: 0 });
  await moru.pause(notebook);
  return { notebook, kept };
}

/** Expects the number of matching sandboxes, of which a small window shows the first. */
async function expectMatches(page: Page, count: number, options?: { timeout: number }): Promise<void> {
  const grid = page.getByRole('grid', { name: 'Sandboxes' });
  await expect(grid).toHaveAttribute('aria-rowcount', String(count + 1), options);
}

async function selectMatching(walk: Walk, text: string, count: number): Promise<void> {
  const { page } = walk;
  await filter(page, text);
  await expectMatches(page, count);
  await walk.press(headCheckbox(page));
  await expect(dock(page)).toContainText(`${count} selected`);
}

async function filterAndSave(walk: Walk): Promise<void> {
  const { page } = walk;
  await openFleet(page);
  await expect(rows(page).first()).toBeVisible();
  await walk.stop('the fleet', { isLoaded: true });
  await filter(page, 'environment=development team=agents');
  await expectMatches(page, 7);
  await walk.stop('a filter');
  await walk.press(page.getByRole('button', { name: 'Views' }));
  const views = page.getByRole('dialog', { name: 'Views' });
  await views.getByRole('textbox', { name: 'Save this view' }).fill('Agents');
  await walk.press(views.getByRole('button', { name: 'Save' }));
  await expect(views.getByRole('button', { name: 'Agents', exact: true })).toBeVisible();
  await walk.stop('a saved view');
  await walk.press(views.getByRole('button', { name: 'Delete Agents' }));
  await expect(views.getByRole('button', { name: 'Agents', exact: true })).toHaveCount(0);
  await walk.expectFocusKept('deleting a view');
  await page.keyboard.press('Escape');
  await walk.expectFocusKept('closing the views');
}

async function killAllButProtected(walk: Walk, kept: string): Promise<void> {
  const { page } = walk;
  await selectMatching(walk, 'environment=development team=agents', 7);
  await walk.stop('a selection');
  await walk.press(dock(page).getByRole('button', { name: /^Kill/ }));
  const dialog = page.getByRole('alertdialog', { name: 'Kill 6 sandboxes' });
  await expect(dialog).toContainText('1 will be skipped');
  await dialog.getByRole('textbox', { name: /^Type / }).fill('kill 6');
  await walk.stop('the kill dialog');
  await walk.press(dialog.getByRole('button', { name: 'Kill 6 sandboxes' }));
  await expect(dialog).toBeHidden();
  await walk.expectFocusKept('starting a kill');
  await expectMatches(page, 1, { timeout: ENDED_WITHIN_MS });
  await expectRow(page, kept);
  await walk.stop('the fleet after a kill');
}

async function pauseAndResume(walk: Walk): Promise<void> {
  const { page } = walk;
  await selectMatching(walk, 'team=evals', 10);
  await walk.press(dock(page).getByRole('button', { name: /^Pause 10/ }));
  await expect(toast(page, 'Paused 10 sandboxes')).toBeVisible({ timeout: ENDED_WITHIN_MS });
  await walk.stop('the fleet after a pause');
  await filter(page, 'team=evals state:paused');
  await expectMatches(page, 10);
  for (const at of [0, 1, 2]) await walk.press(rows(page).nth(at).getByRole('checkbox'));
  await walk.press(dock(page).getByRole('button', { name: /^Resume 3/ }));
  const dialog = page.getByRole('dialog', { name: 'Resume 3 sandboxes' });
  await walk.stop('the resume dialog');
  await walk.press(dialog.getByRole('button', { name: 'Resume 3 sandboxes' }));
  await expect(dialog).toBeHidden();
  await walk.expectFocusKept('starting a resume');
  await expectMatches(page, 7, { timeout: ENDED_WITHIN_MS });
}

async function extendAndRun(walk: Walk): Promise<void> {
  const { page } = walk;
  await selectMatching(walk, 'team=workers', 15);
  await walk.press(dock(page).getByRole('button', { name: /^Set time left/ }));
  const time = page.getByRole('dialog', { name: /^Set time left/ });
  await walk.press(time.getByRole('button', { name: '+15 min' }));
  await walk.stop('the time-left dialog');
  await walk.press(time.getByRole('button', { name: /15$/ }).last());
  await expect(time).toBeHidden();
  await walk.expectFocusKept('extending the time left');

  await selectMatching(walk, 'team=workers environment=development', 15);
  await walk.press(dock(page).getByRole('button', { name: 'Run in 15…' }));
  const dialog = page.getByRole('dialog', { name: 'Run a command in 15 sandboxes' });
  await dialog
    .getByRole('textbox', { name: 'Command' })
    .fill('echo a line of output that is longer than the window of a phone is wide; exit $((RANDOM % 2))');
  await walk.stop('the command dialog');
  await walk.press(dialog.getByRole('button', { name: 'Run in 15 sandboxes' }));
  const results = page.getByRole('list', { name: 'Results' }).getByRole('listitem');
  await expect(results.first()).toBeVisible({ timeout: ENDED_WITHIN_MS });
  await walk.stop('the results of a command', { isLoaded: true });
  await walk.press(page.getByRole('button', { name: 'By sandbox' }));
  await expect(page.getByRole('table', { name: 'Sandboxes of this operation' })).toBeVisible();
  await walk.stop('the sandboxes of an operation');
}

async function wakeAndLookInside(walk: Walk, notebook: string): Promise<void> {
  const { page } = walk;
  await walk.goTo('Sandboxes');
  // As it was left.
  await expectMatches(page, 15);
  await filter(page, 'team=notebook');
  await expectMatches(page, 1);
  await walk.press(page.getByRole('link', { name: notebook }));
  await expect(page).toHaveURL(pageOf(notebook));
  await walk.stop('a sandbox', { isLoaded: true });
  await walk.goToTab('Files');
  await walk.stop('a paused sandbox');
  await walk.press(page.getByRole('button', { name: 'Wake sandbox' }));
  await expect(page.getByRole('region', { name: 'Wake' })).toContainText('Awake, pauses again in');
  await expect(page.getByText('report.md')).toBeVisible();
  await walk.stop('the files');
  await walk.press(page.getByText('train.log'));
  await expect(page.getByText('step 1, loss 0.5').first()).toBeVisible();
  await walk.stop('a log');
  await walk.goToTab('Console');
  const open = page.getByRole('button', { name: 'Open terminal' });
  if (await open.isVisible()) await walk.press(open);
  await expectPrompt(page);
  await run(page, 'echo hello $((20 + 3))');
  await expectOnScreen(page, 'hello 23');
  await walk.stop('the console');
  await walk.goToTab('Run');
  await walk.stop('the command page');
  await walk.goToTab('Processes');
  await walk.press(page.getByRole('button', { name: 'Read all processes' }));
  await expect(page.getByRole('table', { name: 'All processes' })).toBeVisible();
  await walk.stop('the processes');
  await walk.press(page.getByRole('button', { name: /^Send TERM/ }).first());
  const signal = page.getByRole('alertdialog');
  await walk.stop('the signal dialog');
  await walk.press(signal.getByRole('button', { name: 'Cancel' }));
  await expect(signal).toBeHidden();
  await walk.expectFocusKept('closing the signal dialog');
  await walk.press(page.getByRole('region', { name: 'Wake' }).getByRole('button', { name: 'Pause now' }));
  await expect(page.getByRole('region', { name: 'Wake' })).toBeHidden({ timeout: ENDED_WITHIN_MS });
  await walk.expectFocusKept('pausing again');
}

async function readTheRecord(walk: Walk, notebook: string): Promise<void> {
  const { page } = walk;
  await walk.goTo('Operations');
  const log = page.getByRole('table', { name: 'Operations' });
  // The newest. A walk of another size may have shared the server.
  const kill = log.getByRole('link', { name: 'Kill 6 sandboxes' }).first();
  await expect(kill).toBeVisible();
  await walk.stop('the operations', { isLoaded: true });
  await walk.press(kill);
  await expect(page.getByRole('button', { name: '6 killed, verified' })).toBeVisible();
  // Without the space that ends a term in the filter.
  const filtered = page.getByRole('link', { name: 'environment=development team=agents', exact: true });
  await expect(filtered).toBeVisible();
  await walk.stop('an operation', { isLoaded: true });
  await walk.goTo('Operations');
  await walk.press(page.getByRole('navigation', { name: 'Records' }).getByRole('link', { name: 'Access' }));
  await expect(page.getByRole('table', { name: 'Access' })).toContainText(notebook);
  await walk.stop('the access log', { isLoaded: true });
  await page.getByRole('textbox', { name: 'Sandbox ID' }).fill(notebook);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/sandbox=/);
  await walk.stop('the access log of a sandbox');
}

for (const [name, use] of [
  ['1280 px', LARGE],
  ['390 px, by touch', PHONE],
] as const) {
  test.describe(name, () => {
    // Otherwise a control that cannot be pressed ends the walk only with the time of the test.
    test.use({ ...use, actionTimeout: 30_000 });

    test('filters, kills, pauses, extends, wakes, runs and reads the record @long', async ({
      page,
      signIn,
      moru,
    }, info) => {
      test.setTimeout(1_800_000);
      const { notebook, kept } = await fill(moru);
      await signIn(page);
      const walk = new Walk(page, info, use === PHONE);
      await filterAndSave(walk);
      await killAllButProtected(walk, kept);
      await pauseAndResume(walk);
      await extendAndRun(walk);
      await wakeAndLookInside(walk, notebook);
      await readTheRecord(walk, notebook);
      expect(walk.faults).toEqual([]);
    });
  });
}
