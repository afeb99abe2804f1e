import { expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { expectAccessible } from '@/e2e/support/served/accessible';
import { main, openFiles, row } from '@/e2e/support/served/files';
import { Box } from '@/e2e/support/served/sandboxes';

const panel = page.getByRole('region', { name: 'Search' });
const box = panel.getByRole('searchbox');
const status = panel.getByRole('status');
const found = panel.getByRole('option');

async function search(text: string): Promise<void> {
  await box.fill(text);
  await userEvent.keyboard('{Enter}');
}

test('finds names and contents with a count', async () => {
  const sandbox = await Box.create(
    'mkdir -p out .cache && { seq 249; echo "the score is 7"; seq 50; } > out/notes.txt && echo none > out/score.txt && echo "score 8" > .cache/old',
  );
  await openFiles(sandbox);
  await page.getByRole('button', { name: 'Search' }).click();
  await search('score');
  await expect.element(status).toHaveTextContent('1 found');
  expect(found.elements().map(({ textContent }) => textContent)).toEqual(['out/score.txt']);
  await panel.getByRole('radio', { name: 'Contents' }).click();
  await search('score');
  await expect.element(status).toHaveTextContent('2 found');
  await expect.element(found.filter({ hasText: 'out/notes.txt:250' })).toHaveTextContent('the score is 7');
  await expectAccessible('search results');
  await found.filter({ hasText: 'out/notes.txt' }).click();
  await expect.element(main).toHaveTextContent('notes.txt');
  await expect.element(main.getByText('the score is 7').last()).toBeInViewport();
  await expect.poll(() => window.location.search).toContain('line=250');
  await sandbox.run('yes "the score is 8" | head -n 482 > out/many.log');
  await search('score');
  await expect.element(status).toHaveTextContent('484 found, 22 shown');
  found.last().element().scrollIntoView();
  await expect.element(panel.getByText('first 20 in this file, 482 in all')).toBeVisible();
  await panel.getByRole('button', { name: 'Close' }).click();
  await expect.element(row('notes.txt')).toHaveAttribute('aria-current', 'true');
});

test('reports no results and can be stopped', async () => {
  const sandbox = await Box.create('touch a');
  await openFiles(sandbox, { path: '/' });
  await page.getByRole('button', { name: 'Search' }).click();
  await search('nothing-is-called-so');
  await expect.element(status).toHaveTextContent('No results for “nothing-is-called-so”');
  await sandbox.addFault({ route: 'POST /process.Process/Start', latencyMs: 5_000 });
  await search('nothing-is-called-so');
  await panel.getByRole('button', { name: 'Stop' }).click();
  await expect.element(status).toHaveTextContent('Stopped.');
});
