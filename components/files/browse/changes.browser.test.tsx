import { describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { expectAccessible } from '@/e2e/support/served/accessible';
import { active, expectNames, focusTree, HOME, main, openFiles, row, tree } from '@/e2e/support/served/files';
import { lookAway, openPage } from '@/e2e/support/served/page';
import { preview, text } from '@/e2e/support/served/preview';
import { Box, moru } from '@/e2e/support/served/sandboxes';
import { bestTimeMs } from '@/lib/test-support/runs';

/** Changes must be on the screen within this time, unless the machine is busy. */
const NEWS_WITHIN_MS = 2_000;

const strip = (hasText: string) => page.getByRole('status').filter({ hasText });

describe('a failure', () => {
  test('offers the nearest existing folder for a missing one', async () => {
    const box = await Box.create('mkdir out');
    await openPage(box.page('files', { path: `${HOME}/out/2024/run` }), { role: 'operator' });
    await expect.element(page.getByRole('heading', { name: 'Folder not found' })).toBeVisible();
    await expectAccessible('a missing folder');
    await page.getByRole('button', { name: 'Go to /home/user/out' }).click();
    await expect.element(tree).toHaveTextContent('Empty');
  });

  test('offers to show a file in its folder', async () => {
    const box = await Box.create('touch notes.txt');
    await openPage(box.page('files', { path: `${HOME}/notes.txt` }), { role: 'operator' });
    await expect.element(page.getByRole('heading', { name: 'This is not a folder' })).toBeVisible();
    await page.getByRole('button', { name: 'Show in folder' }).click();
    await expect.element(row('notes.txt')).toHaveAttribute('aria-current', 'true');
  });

  test('keeps the last content while the sandbox is unreachable', async () => {
    const box = await Box.create('touch notes.txt');
    await openFiles(box);
    const removeFault = await box.addFault({ route: 'POST /filesystem.Filesystem/ListDir', status: 503 });
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Refresh' }).click();
    await expect.element(strip('Showing the last known content.')).toBeVisible();
    await expect.element(row('notes.txt')).toBeVisible();
    await removeFault();
    await expect.element(strip('Showing the last known content.')).not.toBeInTheDocument();
  });

  test.each([
    ['a table', 'data.csv', "printf 'a,b\\n1,2\\n' > data.csv", 'echo 3,4 >> data.csv', '1 row', '2 rows'],
    ['a text', 'data.txt', 'echo one > data.txt', 'echo two > data.txt', 'one', 'two'],
    [
      'bytes',
      'data',
      "printf '\\0\\1one' > data",
      "printf '\\0\\1two' > data",
      '00 01 6f 6e 65',
      '00 01 74 77 6f',
    ],
  ])(
    'keeps %s that cannot be read again, and reads it once it can',
    async (_, name, make, change, before, after) => {
      const box = await Box.create(make);
      await openPage(box.path(name), { role: 'operator' });
      await expect.element(preview).toHaveTextContent(before);
      const removeFault = await box.addFault({ route: 'GET /files', status: 503 });
      await box.run(change);
      await expect.element(strip('Showing the last known content.')).toBeVisible();
      await expect.element(preview).toHaveTextContent(before);
      await expect
        .element(strip('Showing the last known').getByRole('button', { name: 'Try again' }))
        .toBeEnabled();
      await removeFault();
      // Without a click.
      await expect.element(preview).toHaveTextContent(after);
      await expect.element(strip('Showing the last known content.')).not.toBeInTheDocument();
    },
  );

  test('keeps an open file when the sandbox is paused', async () => {
    const box = await Box.create('touch notes.txt');
    await openFiles(box);
    await row('notes.txt').click();
    await moru.pause(box.id);
    // The preview may add a strip of its own.
    const paused = strip('The sandbox is paused.').filter({ hasText: 'Wake' });
    await expect.element(paused).toBeVisible();
    await expect.element(row('notes.txt')).toBeVisible();
    await paused.getByRole('button', { name: 'Wake sandbox…' }).click();
    await expect.element(page.getByRole('button', { name: 'Wake sandbox', exact: true })).toBeVisible();
  });

  test('keeps the last content when the sandbox is killed', async () => {
    const box = await Box.create('touch notes.txt');
    await openFiles(box);
    await expect.element(row('notes.txt')).toBeVisible();
    await moru.kill(box.id);
    await expect.element(strip('The sandbox was terminated.')).toBeVisible();
    await expect.element(row('notes.txt')).toBeVisible();
    await expect.element(page.getByRole('button', { name: 'See how it ended' })).toBeVisible();
  });
});

describe('a running sandbox', () => {
  test('shows changes of an open folder within two seconds', async () => {
    const box = await Box.create('mkdir out && touch out/a.txt');
    await openFiles(box);
    await row('out').click();
    await expect.element(row('a.txt')).toBeVisible();
    await lookAway();
    await box.run('head -c 4096 /dev/zero > out/a.txt');
    await expect.element(row('a.txt')).toHaveTextContent('4 KB');
    let created = 0;
    const tookMs = await bestTimeMs(NEWS_WITHIN_MS, async () => {
      created += 1;
      await box.run(`echo new > out/new-${created}.txt`);
      const startedMs = performance.now();
      await expect.element(row(`new-${created}.txt`)).toBeVisible();
      return performance.now() - startedMs;
    });
    expect(tookMs).toBeLessThan(NEWS_WITHIN_MS);
    await box.run('rm out/a.txt');
    await expect.element(row('a.txt')).not.toBeInTheDocument();
  });

  test('shows a change between the reading of the open file and the start of the watch', async () => {
    const box = await Box.create('echo before > notes.txt; mkdir elsewhere');
    const startsLate = { route: 'POST /filesystem.Filesystem/WatchDir', latencyMs: 1_500 };
    const removeFault = await box.addFault(startsLate);
    // The file is not in the folder that is listed.
    await openPage(box.path('notes.txt', { path: `${HOME}/elsewhere` }), { role: 'operator' });
    await expect.element(text).toHaveTextContent('before');
    await box.run('echo after all > notes.txt');
    await expect.element(text).toHaveTextContent('after all');
    await removeFault();
  });

  test('keeps the scroll position, selection and active row', async () => {
    const box = await Box.create('for n in $(seq -w 10 90); do touch "file-$n"; done');
    await openFiles(box);
    await expect.element(row('file-10')).toBeVisible();
    focusTree();
    await userEvent.keyboard('file-5');
    await userEvent.keyboard(' ');
    await lookAway();
    const topOf = () => row('file-50').element().getBoundingClientRect().top;
    const before = topOf();
    await box.run('for n in $(seq -w 11 19); do touch "file-$n-more"; done; rm file-20');
    await expect.element(tree).toHaveAttribute('aria-rowcount', String(1 + 81 + 9 - 1));
    await expect.poll(topOf).toBe(before);
    expect(active()).toBe('file-50');
    await expect.element(strip('selected')).toHaveTextContent('1 selected');
  });

  test('holds rows under the pointer if scrolling cannot compensate', async () => {
    const box = await Box.create('touch b c');
    await openFiles(box);
    await row('c').hover();
    await box.run('touch a1 a2; rm b');
    const news = page.getByRole('button', { name: '2 new, 1 gone' });
    await expect.element(news).toBeVisible();
    await expectNames(['b', 'c']);
    await news.click();
    await expectNames(['a1', 'a2', 'c']);
  });
});

test('a changed entry outside of the list is read again', async () => {
  const box = await Box.create('mkdir elsewhere; echo one > notes.txt');
  await openPage(box.path('notes.txt', { path: `${HOME}/elsewhere` }), { role: 'operator' });
  await expect.element(text).toHaveTextContent('one');
  await box.run('echo two > notes.txt');
  await expect.element(text).toHaveTextContent('two');
  await box.run('rm notes.txt');
  await expect.element(main).toHaveTextContent('The file no longer exists.');
});
