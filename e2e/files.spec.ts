import { expectAccessible, expectAccessibleInBothThemes } from './support/accessible';
import {
  active,
  createWith,
  expectNames,
  HOME,
  LEFTOVERS,
  main,
  namesShown,
  openFiles,
  row,
  runIn,
  test,
  tree,
} from './support/files';
import { expect } from './support/fixtures';
import { lookAway, NEWS_WITHIN_MS, timeOf } from './support/vocabulary';

test.beforeEach(({ page, signIn }) => signIn(page, 'operator'));

test.describe('browsing', () => {
  test('opens a file from the overview, restores the view from its link, and navigates folders', async ({
    page,
    moru,
    sandkeeper,
  }) => {
    const id = await createWith(moru, LEFTOVERS);
    await page.goto(`/sandboxes/${id}`);
    const tabs = page.getByRole('navigation', { name: 'This sandbox' });
    await expect(tabs.getByRole('link', { name: 'Overview' })).toHaveAttribute('aria-current', 'page');
    await tabs.getByRole('link', { name: 'Files' }).click();
    await expect(page).toHaveURL(`${sandkeeper.url}/sandboxes/${id}/files`);
    await expect(tabs.getByRole('link', { name: 'Files' })).toHaveAttribute('aria-current', 'page');
    await expectNames(page, ['.cache', 'empty', 'out', '.env', 'judge.py', 'latest', 'run.log']);
    await expect(row(page, 'run.log')).toContainText('2 KB');
    await expect(row(page, 'judge.py')).toContainText('Mar 4, 2021');
    await expect(row(page, 'latest')).toContainText('out/report.html');

    await row(page, 'out').click();
    await expectNames(page, [
      '.cache',
      'empty',
      'out',
      '  shards',
      '  report.html',
      '.env',
      'judge.py',
      'latest',
      'run.log',
    ]);
    await row(page, 'empty').click();
    await expect(tree(page)).toContainText('Empty');
    await row(page, 'report.html').click();
    await expect(page).toHaveURL(
      /file=%2Fhome%2Fuser%2Fout%2Freport.html|file=\/home\/user\/out\/report.html/,
    );
    await expect(main(page)).toContainText('/home/user/out/report.html');

    const link = page.url();
    const colleague = await page.context().newPage();
    await colleague.goto(link);
    await expect(row(colleague, 'report.html')).toHaveAttribute('aria-current', 'true');
    await expect(row(colleague, 'out')).toHaveAttribute('aria-expanded', 'true');

    const deep = await createWith(moru, 'mkdir -p a/b/c && touch a/b/c/deep.txt');
    await openFiles(page, deep);
    await row(page, 'a').dblclick();
    await expectNames(page, ['b']);
    await row(page, 'b').dblclick();
    await expectNames(page, ['c']);
    const folder = page.getByRole('navigation', { name: 'Folder' });
    await expect(folder).toHaveText(/home.*user.*a.*b/);
    await page.goBack();
    await expectNames(page, ['b']);
    await folder.getByRole('link', { name: 'user' }).click();
    await expect(row(page, 'a')).toBeVisible();
    await folder.getByRole('link', { name: '/', exact: true }).click();
    await expect(row(page, 'etc')).toBeVisible();
  });

  test('sorts by name, size and time and keeps the order in the URL', async ({ page, moru }) => {
    const id = await createWith(
      moru,
      'for n in 1 2 10; do head -c "$n" /dev/zero > "shard-$n"; done; touch -d 2001-01-01 shard-10; touch -d 2002-01-01 shard-2; mkdir folder',
    );
    await openFiles(page, id);
    await expectNames(page, ['folder', 'shard-1', 'shard-2', 'shard-10']);
    const header = (name: string) => tree(page).getByRole('columnheader', { name });
    await header('Size').getByRole('button').click();
    await expectNames(page, ['shard-10', 'shard-2', 'shard-1', 'folder']);
    await expect(header('Size')).toHaveAttribute('aria-sort', 'descending');
    await expect(page).toHaveURL(/sort=-size/);
    await header('Size').getByRole('button').click();
    await expectNames(page, ['shard-1', 'shard-2', 'shard-10', 'folder']);
    await header('Modified').getByRole('button').click();
    await expectNames(page, ['folder', 'shard-1', 'shard-2', 'shard-10']);
    await page.reload();
    await expect(header('Modified')).toHaveAttribute('aria-sort', 'descending');
  });

  test('hides hidden files and remembers the choice', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch .env seen; mkdir only && touch only/.hidden');
    await openFiles(page, id);
    await expectNames(page, ['only', '.env', 'seen']);
    await page.getByRole('checkbox', { name: 'Hidden files (1)' }).uncheck();
    await expectNames(page, ['only', 'seen']);
    await row(page, 'only').click();
    await expect(tree(page)).toContainText('Only a hidden entry.');
    await page.reload();
    await expectNames(page, ['only', 'seen']);
    await row(page, 'only').click();
    await tree(page).getByRole('button', { name: 'Show' }).click();
    await expectNames(page, ['only', '  .hidden', '.env', 'seen']);
  });

  test('scrolls and jumps in a folder of 5,000', async ({ page, moru }) => {
    const id = await createWith(moru, 'mkdir many && cd many && seq 1 5000 | xargs touch');
    await openFiles(page, id, `?path=${HOME}/many`);
    await expect(tree(page)).toHaveAttribute('aria-rowcount', '5001');
    await expect(row(page, '1')).toBeVisible();
    expect(await tree(page).getByRole('row').count()).toBeLessThan(100);
    await tree(page).focus();
    await page.keyboard.press('End');
    await expect(row(page, '5000')).toBeInViewport();
    await page.keyboard.press('Home');
    await page.keyboard.type('4711');
    await expect(row(page, '4711')).toBeInViewport();
    expect(await active(page)).toBe('4711');
  });
});

test('works with the keyboard alone', async ({ page, moru }) => {
  const id = await createWith(moru, LEFTOVERS);
  await openFiles(page, id);
  await tree(page).focus();
  await page.keyboard.press('End');
  expect(await active(page)).toBe('run.log');
  await page.keyboard.press('Home');
  expect(await active(page)).toBe('.cache');
  await page.keyboard.type('ou');
  expect(await active(page)).toBe('out');
  await page.keyboard.press('ArrowRight');
  await expect(row(page, 'report.html')).toBeVisible();
  await page.keyboard.press('ArrowRight');
  expect(await active(page)).toBe('shards');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(row(page, 'report.html')).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('ArrowLeft');
  expect(await active(page)).toBe('out');
  await page.keyboard.press('ArrowLeft');
  await expect(row(page, 'report.html')).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expectNames(page, ['shards', 'report.html']);
  await page.keyboard.press('Backspace');
  await expect.poll(() => active(page)).toBe('out');

  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(page.getByRole('status').filter({ hasText: 'selected' })).toHaveText(
    '3 selected, 10 B in files',
  );
  await page.keyboard.press('Escape');
  await expect(page.getByText('selected', { exact: false })).toHaveCount(0);

  await page.keyboard.press('Shift+F10');
  await expect(page.getByRole('menuitem', { name: 'Copy path' })).toBeVisible();
});

test.describe('navigation', () => {
  test('by a typed path to a folder, a file, or nothing', async ({ page, moru }) => {
    const id = await createWith(moru, 'mkdir -p out/shards && touch out/report.html');
    await openFiles(page, id);
    const input = page.getByRole('textbox', { name: 'Go to path' });
    await tree(page).focus();
    await page.keyboard.press('/');
    await expect(input).toHaveValue('/');
    await input.fill('/home/user/out/nothing/here');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('alert').filter({ hasText: 'does not exist' })).toHaveText(
      '/home/user/out/nothing/here does not exist. The path is valid up to /home/user/out.',
    );
    await input.fill('out/report.html');
    await page.keyboard.press('Enter');
    await expectNames(page, ['shards', 'report.html']);
    await expect(row(page, 'report.html')).toHaveAttribute('aria-current', 'true');
    await page.getByRole('button', { name: 'Go to path' }).click();
    await input.fill('~');
    await page.keyboard.press('Enter');
    await expect(row(page, 'out')).toBeVisible();
    await page.getByRole('button', { name: 'Go to path' }).click();
    await page.keyboard.press('Escape');
    await expect(input).toHaveCount(0);
  });

  test('by letters of a name in the opened folders', async ({ page, moru }) => {
    const id = await createWith(moru, LEFTOVERS);
    await openFiles(page, id);
    await row(page, 'out').click();
    await expect(row(page, 'report.html')).toBeVisible();
    await page.keyboard.press('Control+p');
    const dialog = page.getByRole('dialog', { name: 'Open a file' });
    await dialog.getByRole('combobox', { name: 'Open a file by name' }).fill('rep');
    await expect(dialog.getByRole('option')).toHaveText(['/home/user/out/report.html']);
    await page.keyboard.press('Enter');
    await expect(dialog).toHaveCount(0);
    await expect(row(page, 'report.html')).toHaveAttribute('aria-current', 'true');
  });
});

test('shows hostile names safely and stops at circular links', async ({ page, moru }) => {
  const id = await createWith(
    moru,
    [
      `touch $'two\\nlines.txt' $'gpj.\\xe2\\x80\\xaeexe' $'bad\\xff\\xfename' ' spaces ' '<img src=x onerror=alert(1)>'`,
      `touch "$(printf 'a%.0s' {1..251}).txt"`,
      'ln -s loop2 loop1; ln -s loop1 loop2; ln -s . self; ln -s /etc out-of-here; mkfifo pipe',
      'mkdir secret && touch secret/x && chmod 000 secret',
    ].join('; '),
  );
  await openFiles(page, id);
  await expect(row(page, 'two⏎lines.txt')).toBeVisible();
  await expect(row(page, 'gpj.[RLO]exe')).toBeVisible();
  await expect(row(page, '␣spaces␣')).toBeVisible();
  await expect(row(page, '<img src=x onerror=alert(1)>')).toBeVisible();
  await expect(row(page, `${'a'.repeat(251)}.txt`)).toContainText('.txt');
  await expect(row(page, 'loop1')).toContainText('broken link');
  await expect(row(page, 'out-of-here')).toContainText('/etc');

  // A circular link unfolds level by level.
  await row(page, 'self').click();
  await expect.poll(() => namesShown(page)).toContain('  self');
  await row(page, 'two⏎lines.txt').last().click();
  await expect(main(page)).toContainText('two⏎lines.txt');
  const odd = row(page, 'bad��name').last();
  await odd.click();
  await expect(main(page)).toContainText('The name is not valid UTF-8');
  await expect(main(page).getByRole('button', { name: 'Download', exact: true })).toBeDisabled();
  await row(page, 'pipe').last().click();
  await expect(main(page)).toContainText('This is a pipe');
  await expectAccessible(page, 'hostile names');
});

test.describe('failures', () => {
  test('offer the nearest existing folder for a missing one', async ({ page, moru }) => {
    const id = await createWith(moru, 'mkdir out');
    await page.goto(`/sandboxes/${id}/files?path=${HOME}/out/2024/run`);
    await expect(page.getByRole('heading', { name: 'Folder not found' })).toBeVisible();
    await expectAccessible(page, 'a missing folder');
    await page.getByRole('button', { name: 'Go to /home/user/out' }).click();
    await expect(tree(page)).toContainText('Empty');
  });

  test('offer to show a file in its folder', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch notes.txt');
    await page.goto(`/sandboxes/${id}/files?path=${HOME}/notes.txt`);
    await expect(page.getByRole('heading', { name: 'This is not a folder' })).toBeVisible();
    await page.getByRole('button', { name: 'Show in folder' }).click();
    await expect(row(page, 'notes.txt')).toHaveAttribute('aria-current', 'true');
  });

  test('keep the last content while the sandbox is unreachable', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch notes.txt');
    await openFiles(page, id);
    await moru.addFault({ route: 'POST /filesystem.Filesystem/ListDir', status: 503 });
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Refresh' }).click();
    await expect(
      page.getByRole('status').filter({ hasText: 'Showing the last known content.' }),
    ).toBeVisible();
    await expect(row(page, 'notes.txt')).toBeVisible();
    await moru.clearFaults();
    await expect(page.getByRole('status').filter({ hasText: 'Showing the last known content.' })).toHaveCount(
      0,
    );
  });

  test('keep an open file when the sandbox is paused', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch notes.txt');
    await openFiles(page, id);
    await row(page, 'notes.txt').click();
    await moru.pause(id);
    // The preview may add a strip of its own.
    const strip = page
      .getByRole('status')
      .filter({ hasText: 'The sandbox is paused.' })
      .filter({ hasText: 'Wake' });
    await expect(strip).toBeVisible();
    await expect(row(page, 'notes.txt')).toBeVisible();
    await strip.getByRole('button', { name: 'Wake sandbox…' }).click();
    await expect(page.getByRole('button', { name: 'Wake sandbox', exact: true })).toBeVisible();
  });

  test('keep the last content when the sandbox is killed', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch notes.txt');
    await openFiles(page, id);
    await expect(row(page, 'notes.txt')).toBeVisible();
    await moru.kill(id);
    await expect(page.getByRole('status').filter({ hasText: 'The sandbox was terminated.' })).toBeVisible();
    await expect(row(page, 'notes.txt')).toBeVisible();
    await page.getByRole('button', { name: 'See how it ended' }).click();
    await expect(main(page)).toContainText('Terminated at');
  });
});

test.describe('a running sandbox', () => {
  test('shows changes of an open folder within two seconds', async ({ page, moru }) => {
    const id = await createWith(moru, 'mkdir out && touch out/a.txt');
    await openFiles(page, id);
    await row(page, 'out').click();
    await expect(row(page, 'a.txt')).toBeVisible();
    await lookAway(page);
    const tookMs: number[] = [];
    await runIn(moru, id, 'echo new > ~/out/b.txt');
    tookMs.push(await timeOf(() => expect(row(page, 'b.txt')).toBeVisible()));
    await runIn(moru, id, 'head -c 4096 /dev/zero > ~/out/a.txt');
    tookMs.push(await timeOf(() => expect(row(page, 'a.txt')).toContainText('4 KB')));
    await runIn(moru, id, 'rm ~/out/a.txt');
    tookMs.push(await timeOf(() => expect(row(page, 'a.txt')).toHaveCount(0)));
    // A busy machine can delay one of them, but hardly all.
    expect(Math.min(...tookMs)).toBeLessThan(NEWS_WITHIN_MS);
  });

  test('keeps the scroll position, selection and active row', async ({ page, moru }) => {
    const id = await createWith(moru, 'for n in $(seq -w 10 90); do touch "file-$n"; done');
    await openFiles(page, id);
    await expect(row(page, 'file-10')).toBeVisible();
    await tree(page).focus();
    await page.keyboard.type('file-5');
    await page.keyboard.press('Space');
    await lookAway(page);
    const before = await row(page, 'file-50').boundingBox();
    await runIn(moru, id, 'cd ~; for n in $(seq -w 11 19); do touch "file-$n-more"; done; rm file-20');
    await expect(tree(page)).toHaveAttribute('aria-rowcount', String(1 + 81 + 9 - 1));
    await expect.poll(async () => (await row(page, 'file-50').boundingBox())?.y).toBe(before?.y);
    expect(await active(page)).toBe('file-50');
    await expect(page.getByRole('status').filter({ hasText: 'selected' })).toContainText('1 selected');
  });

  test('holds rows under the pointer if scrolling cannot compensate', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch b c');
    await openFiles(page, id);
    await row(page, 'c').hover();
    await runIn(moru, id, 'touch ~/a1 ~/a2; rm ~/b');
    const news = page.getByRole('button', { name: '2 new, 1 gone' });
    await expect(news).toBeVisible();
    await expectNames(page, ['b', 'c']);
    await news.click();
    await expectNames(page, ['a1', 'a2', 'c']);
  });
});

test.describe('search', () => {
  test('finds names and contents with a count', async ({ page, moru }) => {
    const id = await createWith(
      moru,
      'mkdir -p out .cache && { seq 249; echo "the score is 7"; seq 50; } > out/notes.txt && echo none > out/score.txt && echo "score 8" > .cache/old',
    );
    await openFiles(page, id);
    await page.getByRole('button', { name: 'Search' }).click();
    const search = page.getByRole('region', { name: 'Search' });
    await search.getByRole('searchbox').fill('score');
    await page.keyboard.press('Enter');
    const found = search.getByRole('option');
    await expect(found).toHaveText(['out/score.txt']);
    await expect(search.getByRole('status')).toHaveText('1 found');
    await search.getByRole('radio', { name: 'Contents' }).check();
    await search.getByRole('searchbox').press('Enter');
    await expect(search.getByRole('status')).toHaveText('2 found');
    await expect(found.filter({ hasText: 'out/notes.txt:250' })).toContainText('the score is 7');
    await expectAccessible(page, 'search results');
    await found.filter({ hasText: 'out/notes.txt' }).click();
    await expect(main(page)).toContainText('notes.txt');
    await expect(main(page).getByText('the score is 7').last()).toBeInViewport();
    await expect(page).toHaveURL(/line=250/);
    await runIn(moru, id, 'yes "the score is 8" | head -n 482 > ~/out/many.log');
    await search.getByRole('searchbox').press('Enter');
    await expect(search.getByRole('status')).toHaveText('484 found, 22 shown');
    await found.last().scrollIntoViewIfNeeded();
    await expect(search.getByText('first 20 in this file, 482 in all')).toBeVisible();
    await search.getByRole('button', { name: 'Close' }).click();
    await expect(row(page, 'notes.txt')).toHaveAttribute('aria-current', 'true');
  });

  test('reports no results and can be stopped', async ({ page, moru }) => {
    const id = await createWith(moru, 'touch a');
    await openFiles(page, id, '?path=/');
    await page.getByRole('button', { name: 'Search' }).click();
    const search = page.getByRole('region', { name: 'Search' });
    await search.getByRole('searchbox').fill('nothing-is-called-so');
    await page.keyboard.press('Enter');
    await expect(search.getByRole('status')).toHaveText('No results for “nothing-is-called-so”');
    await moru.addFault({ route: 'POST /process.Process/Start', latencyMs: 5_000 });
    await search.getByRole('searchbox').press('Enter');
    await search.getByRole('button', { name: 'Stop' }).click();
    await expect(search.getByRole('status')).toContainText('Stopped.');
  });
});

test('makes a folder, edits over a change of somebody else, renames and deletes', async ({ page, moru }) => {
  const id = await createWith(
    moru,
    'mkdir out; printf "one\\r\\ntwo\\r\\n" > out/notes.txt; echo x > other.txt',
  );
  await openFiles(page, id);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'New folder…' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('out');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toHaveText('Something of this name already exists.');
  await expectAccessible(page, 'the name of a new folder');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('results');
  await page.keyboard.press('Enter');
  await expectNames(page, ['out', 'results', 'other.txt']);

  await row(page, 'out').click();
  await row(page, 'notes.txt').click();
  const preview = page.getByRole('region', { name: 'Preview' });
  await preview.getByRole('button', { name: 'Edit' }).click();
  const editor = preview.getByRole('textbox', { name: /^Edit / });
  await expect(editor).toBeFocused();
  await expect(preview).toContainText('Windows line ends');
  await page.keyboard.type('mine ');
  await expect(preview.getByRole('status')).toHaveText('Unsaved changes');
  // The text is kept while another file is shown.
  await row(page, 'other.txt').click();
  await expect(preview).toContainText('other.txt');
  await runIn(moru, id, 'echo of somebody else > ~/out/notes.txt');
  await row(page, 'notes.txt').click();
  await expect(preview).toContainText('Your unsaved changes were kept.');
  await expect(preview).toContainText('The file has changed since you opened it.');
  await expectAccessibleInBothThemes(page, 'editing a file');
  // The browser asks, because closing the tab would lose the text. A reload keeps it.
  page.once('dialog', (question) => question.accept());
  await page.reload();
  await expect(preview).toContainText('Your unsaved changes were kept.');
  await expect(preview).toContainText('The file has changed since you opened it.');
  await editor.focus();
  await page.keyboard.press('Control+s');
  const conflict = page.getByRole('alertdialog', { name: 'The file is not the one you opened' });
  await expect(conflict).toBeVisible();
  await conflict.getByRole('button', { name: 'Keep editing' }).click();
  await expect(editor).toContainText('mine one');
  await preview.getByRole('button', { name: 'Save' }).click();
  await conflict.getByRole('button', { name: 'Overwrite' }).click();
  await expect(preview.getByRole('button', { name: 'Edit' })).toBeVisible();
  await expect(preview.getByRole('textbox', { name: /^Text of / })).toContainText('mine one');
  expect(await (await moru.handle(id)).files.read(`${HOME}/out/notes.txt`)).toBe('mine one\r\ntwo\r\n');

  await row(page, 'out').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await dialog.getByRole('textbox', { name: 'Name' }).fill('old');
  await page.keyboard.press('Enter');
  await expect(preview).toContainText('/home/user/old/notes.txt');
  await row(page, 'old').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete the folder old?' });
  await expect(question).toContainText('2 entries');
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await expectAccessible(page, 'deleting a folder');
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expectNames(page, ['results', 'other.txt']);
  await expect(preview).toHaveCount(0);
});

test('a viewer sees names and sizes, and the required role', async ({ page, moru, signIn }) => {
  const id = await createWith(moru, LEFTOVERS);
  await signIn(page, 'viewer');
  await openFiles(page, id);
  await expect(row(page, 'run.log')).toContainText('2 KB');
  for (const name of ['Search', 'Upload…', 'Download…']) {
    await expect(page.getByRole('button', { name, exact: true })).toBeDisabled();
    await expect(page.getByRole('button', { name, exact: true })).toHaveAccessibleDescription(
      'Requires the operator role.',
    );
  }
  await row(page, 'run.log').click();
  await expect(page.getByRole('region', { name: 'Details' })).toContainText('Requires the operator role.');
  await row(page, 'run.log').click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Download Requires the' }).first()).toBeDisabled();
});

test('the files are accessible in both themes', async ({ page, moru }) => {
  const id = await createWith(moru, LEFTOVERS);
  await openFiles(page, id);
  await expectAccessibleInBothThemes(page, 'the files');
  await row(page, 'out').click();
  await row(page, 'judge.py').click();
  await row(page, 'run.log').getByRole('checkbox').check();
  await expectAccessibleInBothThemes(page, 'a file and a selection');
  await row(page, 'run.log').click({ button: 'right' });
  await expect(page.getByRole('menu')).toBeVisible();
  await expectAccessibleInBothThemes(page, 'the menu of an entry');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Go to path' }).click();
  await expectAccessibleInBothThemes(page, 'the path input');
  await page.keyboard.press('Escape');
  await tree(page).focus();
  await page.keyboard.press('Control+p');
  await expect(page.getByRole('dialog', { name: 'Open a file' })).toBeVisible();
  await expectAccessibleInBothThemes(page, 'opening by name');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Search' }).click();
  await expectAccessibleInBothThemes(page, 'the search');
});
