import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import { expectAccessible, expectAccessibleInBothThemes } from '@/e2e/support/served/accessible';
import {
  active,
  expectNames,
  focusTree,
  HOME,
  LEFTOVERS,
  main,
  namesShown,
  openFiles,
  row,
  rowsOf,
  tree,
} from '@/e2e/support/served/files';
import { Box } from '@/e2e/support/served/sandboxes';
import { VIEW_COOKIE } from '../view-choice';

beforeEach(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: the choices of an earlier test.
  document.cookie = `${VIEW_COOKIE}=; path=/; max-age=0`;
});

const press = (keys: string) => userEvent.keyboard(keys);
const expectActive = (name: string) => expect.poll(active).toBe(name);

/** Types letters until they lead to an entry. On a busy machine they may arrive one by one, as separate searches. */
const jumpTo = (letters: string, name: string) =>
  expect
    .poll(
      async () => {
        await press('{Home}');
        await press(letters);
        return active();
      },
      { interval: 1_000 },
    )
    .toBe(name);

const header = (name: string) => tree.getByRole('columnheader', { name });

test('folders unfold and are entered, and the address follows', async () => {
  const box = await Box.create(`${LEFTOVERS} && mkdir -p a/b/c && touch a/b/c/deep.txt`);
  await openFiles(box);
  await expectNames(['.cache', 'a', 'empty', 'out', '.env', 'judge.py', 'latest', 'run.log']);
  await expect.element(row('run.log')).toHaveTextContent('2 KB');
  await expect.element(row('judge.py')).toHaveTextContent('Mar 4, 2021');
  await expect.element(row('latest')).toHaveTextContent('out/report.html');
  await row('out').click();
  await expect.poll(namesShown).toContain('  report.html');
  await row('empty').click();
  await expect.element(tree).toHaveTextContent('Empty');
  await row('report.html').click();
  await expect
    .poll(() => new URLSearchParams(window.location.search).get('file'))
    .toBe(`${HOME}/out/report.html`);
  await expect.element(main).toHaveTextContent('/home/user/out/report.html');

  await row('a').dblClick();
  await expectNames(['b']);
  await row('b').dblClick();
  await expectNames(['c']);
  const folder = page.getByRole('navigation', { name: 'Folder' });
  await expect.element(folder).toHaveTextContent(/home.*user.*a.*b/);
  window.history.back();
  await expectNames(['b']);
  await folder.getByRole('link', { name: 'user' }).click();
  await expect.element(row('a')).toBeVisible();
  await folder.getByRole('link', { name: '/', exact: true }).click();
  await expect.element(row('etc')).toBeVisible();
});

test('a narrow window shows the list or the open file, and leads back', async () => {
  const box = await Box.create(LEFTOVERS);
  await page.viewport(390, 700);
  onTestFinished(() => page.viewport(1_280, 720));
  await openFiles(box);
  const preview = page.getByRole('region', { name: 'Preview' });
  const heightOf = (part: Locator) => part.element().getBoundingClientRect().height;
  expect(heightOf(tree)).toBeGreaterThan(300);
  await row('judge.py').click();
  await expect.element(preview).toBeVisible();
  await expect.element(tree).not.toBeInTheDocument();
  expect(heightOf(preview)).toBeGreaterThan(350);
  const back = page.getByRole('button', { name: `Back to the files of ${HOME}` });
  // The keyboard goes on from there.
  await expect.element(back).toHaveFocus();
  await back.click();
  await expect.element(row('judge.py')).toBeVisible();
  await expect.element(tree).toHaveFocus();
  // A search takes the place of the file, and what it finds that of the search.
  await row('run.log').click();
  await expect.element(back).toHaveFocus();
  await press('{Control>}{Shift>}f{/Shift}{/Control}');
  const search = page.getByRole('region', { name: 'Search' });
  await expect.element(search).toBeVisible();
  await expect.element(preview).not.toBeInTheDocument();
  await search.getByLabelText('Part of a name').fill('judge');
  await press('{Enter}');
  await page.getByRole('main').getByText('judge.py').click();
  await expect.element(preview).toBeVisible();
  await expect.element(search).not.toBeInTheDocument();
});

test('files are sorted by name, size and time, and the order is in the URL', async () => {
  const box = await Box.create(
    'for n in 1 2 10; do head -c "$n" /dev/zero > "shard-$n"; done; touch -d 2001-01-01 shard-10; touch -d 2002-01-01 shard-2; mkdir folder',
  );
  await openFiles(box);
  await expectNames(['folder', 'shard-1', 'shard-2', 'shard-10']);
  await header('Size').getByRole('button').click();
  await expectNames(['shard-10', 'shard-2', 'shard-1', 'folder']);
  await expect.element(header('Size')).toHaveAttribute('aria-sort', 'descending');
  await expect.poll(() => window.location.search).toContain('sort=-size');
  await header('Size').getByRole('button').click();
  await expectNames(['shard-1', 'shard-2', 'shard-10', 'folder']);
  await header('Modified').getByRole('button').click();
  await expectNames(['folder', 'shard-1', 'shard-2', 'shard-10']);
  await expect.poll(() => window.location.search).not.toContain('size');
  await openFiles(box, Object.fromEntries(new URLSearchParams(window.location.search)));
  await expect.element(header('Modified')).toHaveAttribute('aria-sort', 'descending');
});

test('hidden files can be hidden, and the choice is remembered', async () => {
  const box = await Box.create('touch .env seen; mkdir only && touch only/.hidden');
  await openFiles(box);
  await expectNames(['only', '.env', 'seen']);
  await page.getByRole('checkbox', { name: 'Hidden files (1)' }).click();
  await expectNames(['only', 'seen']);
  await row('only').click();
  await expect.element(tree).toHaveTextContent('Only a hidden entry.');
  await openFiles(box);
  await expectNames(['only', 'seen']);
  await expect.element(tree).toHaveTextContent('Only a hidden entry.');
  await tree.getByRole('button', { name: 'Show' }).click();
  await expectNames(['only', '  .hidden', '.env', 'seen']);
});

test('a folder of 5,000 scrolls and is jumped in', async () => {
  const box = await Box.create('mkdir many && cd many && seq 1 5000 | xargs touch');
  await openFiles(box, { path: `${HOME}/many` });
  await expect.element(tree).toHaveAttribute('aria-rowcount', '5001');
  await expect.element(row('1')).toBeVisible();
  expect(rowsOf(tree)).toBeLessThan(100);
  focusTree();
  await press('{End}');
  await expect.element(row('5000')).toBeInViewport();
  await jumpTo('4711', '4711');
  await expect.element(row('4711')).toBeInViewport();
});

test('the keyboard alone moves, opens and selects', async () => {
  await openFiles(await Box.create(LEFTOVERS));
  focusTree();
  await press('{End}');
  await expectActive('run.log');
  await press('{Home}');
  await expectActive('.cache');
  await jumpTo('ou', 'out');
  await press('{ArrowRight}');
  await expect.element(row('report.html')).toBeVisible();
  await press('{ArrowRight}');
  await expectActive('shards');
  await press('{ArrowDown}{Enter}');
  await expect.element(row('report.html')).toHaveAttribute('aria-current', 'true');
  await press('{ArrowLeft}');
  await expectActive('out');
  await press('{ArrowLeft}');
  await expect.element(row('report.html')).not.toBeInTheDocument();
  await press('{Enter}');
  await expectNames(['shards', 'report.html']);
  await press('{Backspace}');
  await expectActive('out');

  await press(' {Shift>}{ArrowDown}{ArrowDown}{/Shift}');
  const selected = page.getByRole('status').filter({ hasText: 'selected' });
  await expect.element(selected).toHaveTextContent('3 selected, 10 B in files');
  await press('{Escape}');
  await expect.element(selected).not.toBeInTheDocument();
  await press('{Shift>}{F10}{/Shift}');
  await expect.element(page.getByRole('menuitem', { name: 'Copy path' })).toBeVisible();
});

test('a typed path leads to a folder, a file, or an explanation', async () => {
  await openFiles(await Box.create('mkdir -p out/shards && touch out/report.html'));
  const input = page.getByRole('textbox', { name: 'Go to path' });
  const go = page.getByRole('button', { name: 'Go to path' });
  await expect.element(row('out')).toBeVisible();
  focusTree();
  await press('/');
  await expect.element(input).toHaveValue('/');
  await input.fill('/home/user/out/nothing/here');
  await press('{Enter}');
  await expect
    .element(page.getByRole('alert').filter({ hasText: 'does not exist' }))
    .toHaveTextContent('/home/user/out/nothing/here does not exist. The path is valid up to /home/user/out.');
  await input.fill('out/report.html');
  await press('{Enter}');
  await expectNames(['shards', 'report.html']);
  await expect.element(row('report.html')).toHaveAttribute('aria-current', 'true');
  await go.click();
  await input.fill('~');
  await press('{Enter}');
  await expect.element(row('out')).toBeVisible();
  await go.click();
  await press('{Escape}');
  await expect.element(input).not.toBeInTheDocument();
});

test('a file is opened by letters of its name', async () => {
  await openFiles(await Box.create(LEFTOVERS));
  await row('out').click();
  await expect.element(row('report.html')).toBeVisible();
  await press('{Control>}p{/Control}');
  const dialog = page.getByRole('dialog', { name: 'Open a file' });
  await dialog.getByRole('combobox', { name: 'Open a file by name' }).fill('rep');
  await expect.element(dialog.getByRole('option')).toHaveTextContent('/home/user/out/report.html');
  await press('{Enter}');
  await expect.element(dialog).not.toBeInTheDocument();
  await expect.element(row('report.html')).toHaveAttribute('aria-current', 'true');
});

test('hostile names are shown safely, and circular links stop', async () => {
  const box = await Box.create(
    [
      `touch $'two\\nlines.txt' $'gpj.\\xe2\\x80\\xaeexe' $'bad\\xff\\xfename' ' spaces ' '<img src=x onerror=alert(1)>'`,
      `touch "$(printf 'a%.0s' {1..251}).txt"`,
      'ln -s loop2 loop1; ln -s loop1 loop2; ln -s . self; ln -s /etc out-of-here; mkfifo pipe',
      'mkdir secret && touch secret/x && chmod 000 secret',
    ].join('; '),
  );
  await openFiles(box);
  for (const name of ['two⏎lines.txt', 'gpj.[RLO]exe', '␣spaces␣', '<img src=x onerror=alert(1)>'])
    await expect.element(row(name)).toBeVisible();
  await expect.element(row(`${'a'.repeat(251)}.txt`)).toHaveTextContent('.txt');
  await expect.element(row('loop1')).toHaveTextContent('broken link');
  await expect.element(row('out-of-here')).toHaveTextContent('/etc');

  // A circular link unfolds level by level.
  await row('self').click();
  await expect.poll(namesShown).toContain('  self');
  await row('two⏎lines.txt').last().click();
  await expect.element(main).toHaveTextContent('two⏎lines.txt');
  await row('bad��name').last().click();
  await expect.element(main).toHaveTextContent('The name is not valid UTF-8');
  await expect
    .element(main.getByRole('button', { name: 'Download', exact: true }))
    .toHaveAttribute('aria-disabled', 'true');
  await row('pipe').last().click();
  await expect.element(main).toHaveTextContent('This is a pipe');
  await expectAccessible('hostile names');
});

test('a viewer sees names and sizes, and the required role', async () => {
  await openFiles(await Box.create(LEFTOVERS), {}, 'viewer');
  await expect.element(row('run.log')).toHaveTextContent('2 KB');
  for (const name of ['Search', 'Upload…', 'Download…']) {
    const button = page.getByRole('button', { name, exact: true });
    await expect.element(button).toHaveAttribute('aria-disabled', 'true');
    await expect.element(button).toHaveAccessibleDescription('Requires the operator role.');
  }
  await row('run.log').click();
  await expect
    .element(page.getByRole('region', { name: 'Details' }))
    .toHaveTextContent('Requires the operator role.');
  await row('run.log').click({ button: 'right' });
  await expect
    .element(page.getByRole('menuitem', { name: 'Download Requires the' }).first())
    .toHaveAttribute('aria-disabled', 'true');
});

test('the files are accessible in both themes', async () => {
  await openFiles(await Box.create(LEFTOVERS));
  await expect.element(row('out')).toBeVisible();
  await expectAccessibleInBothThemes('the files');
  await row('out').click();
  await row('judge.py').click();
  await row('run.log').getByRole('checkbox').click();
  await expectAccessibleInBothThemes('a file and a selection');
  await row('run.log').click({ button: 'right' });
  await expect.element(page.getByRole('menu')).toBeVisible();
  await expectAccessibleInBothThemes('the menu of an entry');
  await press('{Escape}');
  await page.getByRole('button', { name: 'Go to path' }).click();
  await expectAccessibleInBothThemes('the path input');
  await press('{Escape}');
  focusTree();
  await press('{Control>}p{/Control}');
  await expect.element(page.getByRole('dialog', { name: 'Open a file' })).toBeVisible();
  await expectAccessibleInBothThemes('opening by name');
  await press('{Escape}');
  await page.getByRole('button', { name: 'Search' }).click();
  await expectAccessibleInBothThemes('the search');
});
