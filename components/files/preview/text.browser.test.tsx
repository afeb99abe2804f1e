import { beforeAll, describe, expect, test } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { openPage } from '@/e2e/support/served/page';
import {
  changed,
  expectLineInView,
  gutterElement,
  preview,
  text,
  viewButton,
} from '@/e2e/support/served/preview';
import { Box } from '@/e2e/support/served/sandboxes';

let box: Box;
beforeAll(async () => {
  box = await Box.create();
});

const open = (name: string, more?: Record<string, string>) =>
  openPage(box.path(name, more), { role: 'operator' });
const scroller = () => preview.element().querySelector('.cm-scroller') as HTMLElement;
const drawnLines = () => text.element().querySelectorAll('.cm-line').length;

describe('text', () => {
  test('has highlighting, search and line navigation', async () => {
    const lines = Array.from({ length: 400 }, (_, n) => `value_${n + 1} = compute(${n + 1})`);
    await box.write('judge.py', `import asyncio\n${lines.join('\n')}\n`);
    await open('judge.py');
    await expect.element(text).toHaveTextContent('import asyncio');
    const colorOf = (element: Element) => getComputedStyle(element).color;
    const keyword = text.getByText('import', { exact: true }).first();
    await expect.poll(() => colorOf(keyword.element())).not.toBe(colorOf(text.element()));
    for (const fact of ['401 lines', 'UTF-8', 'Python'])
      await expect.element(preview).toHaveTextContent(fact);

    await text.click();
    await userEvent.keyboard('{Control>}f{/Control}');
    await page.getByRole('textbox', { name: 'Find in this file' }).fill('COMPUTE(300)');
    await userEvent.keyboard('{Enter}');
    const search = () => document.querySelector('search')?.querySelector('[role=status]')?.textContent;
    await expect.poll(search).toBe('1 of 1');
    await expect.element(text.getByText('value_300')).toBeInViewport();
    await page.getByRole('button', { name: 'Match case' }).click();
    await page.getByRole('button', { name: 'Next' }).click();
    await expect.poll(search).toBe('Not found');
    await userEvent.keyboard('{Escape}');

    await preview.getByRole('button', { name: 'Go to line' }).click();
    await page.getByRole('textbox', { name: 'Go to line' }).fill('12');
    await userEvent.keyboard('{Enter}');
    await expect.element(text.getByText('value_11 = compute(11)', { exact: true })).toBeInViewport();
    await expect.poll(() => window.location.search).toContain('line=12');
    await expect.element(preview).toHaveTextContent('Line 12, column 1');
    await userEvent.click(gutterElement(preview.element(), 15) as HTMLElement);
    await expect.poll(() => window.location.search).toContain('line=15');
  });

  test('larger than the preview is read in ranges for its end, a line and a search', async () => {
    const lines = 600_000;
    await box.run(
      `yes "a line of text that goes on for a while" | head -n ${lines} > big.log; echo THE-VERY-END >> big.log`,
    );
    performance.clearResourceTimings();
    await open('big.log');
    await expect.element(text).toHaveTextContent('a line of text');
    const part = page.getByRole('region', { name: 'Part of the file' });
    await part.getByRole('button', { name: 'End' }).click();
    await expect.element(text.getByText('THE-VERY-END')).toBeInViewport({ ratio: 1 });
    await expect.element(part).toHaveTextContent('Line numbers are unknown');
    // The middle has not been read.
    const readBytes = (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
      .filter(({ name }) => name.includes('/files/content'))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
    expect(readBytes).toBeGreaterThan(0);
    expect(readBytes).toBeLessThan(6 * 1024 * 1024);

    await part.getByRole('button', { name: 'Start' }).click();
    await expectLineInView(1);
    await preview.getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByRole('textbox', { name: 'Find in this file' }).fill('the-very-end');
    await userEvent.keyboard('{Enter}');
    await expect.element(text.getByText('THE-VERY-END')).toBeInViewport();
    // The search read the whole file, so line numbers are known.
    await expectLineInView(lines + 1);
    await userEvent.keyboard('{Escape}{Control>}g{/Control}');
    await page.getByRole('textbox', { name: 'Go to line' }).fill(String(lines / 2));
    await userEvent.keyboard('{Enter}');
    await expectLineInView(lines / 2);
    // Distant pieces are unloaded.
    expect(scroller().scrollHeight / 20).toBeLessThan(200_000);
  });

  test('shows invisible characters, wraps lines and names the encoding', async () => {
    await box.write('bidi.txt', 'access = "user\u202E \u2066// admin\u2069"\n\u001b[31mred\u0000\n');
    await open('bidi.txt', { view: 'text' });
    await expect.element(text).toHaveTextContent('[RLO]');
    await expect.element(text).toHaveTextContent('␛[31mred␀');
    await box.write('wide.txt', utf16(`\uFEFF${'größe '.repeat(400)}`));
    await open('wide.txt');
    await expect.element(text).toHaveTextContent('größe größe');
    await expect.element(preview).toHaveTextContent('UTF-16 LE');
    const overflow = () => scroller().scrollWidth - scroller().clientWidth;
    expect(overflow()).toBeGreaterThan(1_000);
    const wrap = preview.getByRole('button', { name: 'Wrap' });
    await wrap.click();
    await expect.poll(overflow).toBeLessThan(2);
    await expect.element(wrap).toHaveAttribute('aria-pressed', 'true');
    // The choice is remembered for the next page.
    expect(document.cookie).toContain('sandkeeper_files=');
    await wrap.click();
  });

  test('with a line of 3 MB keeps the page responsive', async () => {
    await box.run('head -c 3000000 /dev/zero | tr "\\0" x > line.txt');
    await open('line.txt');
    await expect.element(preview).toHaveTextContent('1 line');
    await viewButton('Hex').click();
    await expect.element(page.getByRole('group', { name: 'Bytes' })).toHaveTextContent('78 78 78');
  });

  test('of nearly empty lines keeps the page responsive', async () => {
    await box.run('yes " " | head -c 3000000 > short.log');
    await open('short.log');
    await expect.element(text).toBeVisible();
    await expectLineInView(1);
    // Only lines near the viewport are drawn.
    expect(drawnLines()).toBeLessThan(500);
    await preview.getByRole('button', { name: 'Find', exact: true }).click();
    await expect.element(page.getByRole('textbox', { name: 'Find in this file' })).toHaveFocus();
    await expect.element(preview).toHaveTextContent('1,500,000 lines');
    await text.click();
    await userEvent.keyboard('{Control>}{End}{/Control}');
    await expect.element(preview).toHaveTextContent('Line 1,500,001, column 1');
    expect(drawnLines()).toBeLessThan(500);
  });
});

describe('a changing file', () => {
  const numbers = (count: number, word = 'line') =>
    `${Array.from({ length: count }, (_, n) => `${word} ${n + 1}`).join('\n')}\n`;
  const line = (content: string) => text.getByText(content, { exact: true });
  const topOf = (content: string) => line(content).element().getBoundingClientRect().top;

  test('grows without moving and is followed at its end', async () => {
    await box.write('grow.log', numbers(300));
    await open('grow.log', { line: '150' });
    await expect.element(line('line 150')).toBeInViewport();
    const before = topOf('line 150');
    await box.run('for n in $(seq 301 320); do echo "line $n"; done >> grow.log');
    await expect.element(preview).toHaveTextContent('320 lines');
    expect(topOf('line 150')).toBe(before);
    await expect.element(changed).not.toBeInTheDocument();

    await text.click();
    await userEvent.keyboard('{Control>}{End}{/Control}');
    await expect.element(line('line 320')).toBeInViewport();
    await box.run('for n in $(seq 321 400); do echo "line $n"; done >> grow.log');
    await expect.element(line('line 400')).toBeInViewport();
  });

  test('stays text and is followed at its end when it is cut', async () => {
    const cut = page.getByRole('status').filter({ hasText: 'The file was cut.' });
    await box.run('seq -f "line %g" 60000 > cut.log');
    await open('cut.log');
    await expect.element(preview).toHaveTextContent('60,000 lines');
    await text.click();
    await userEvent.keyboard('{Control>}{End}{/Control}');
    await expect.element(line('line 60000')).toBeInViewport();
    // A program that goes on writing at its old place leaves a hole.
    const leaveHole = 'size=$(stat -c %s cut.log); : > cut.log; truncate -s $size cut.log';
    await box.run(`${leaveHole}; echo late 1 >> cut.log`);
    await expect.element(cut).toBeVisible();
    await expect.element(text).toHaveTextContent(/^\[zero bytes\]late 1$/);
    await box.run('seq -f "late %g" 2 400 >> cut.log');
    await expect.element(line('late 400')).toBeInViewport();
    await cut.getByRole('button', { name: 'Dismiss' }).click();
    await expect.element(cut).not.toBeInTheDocument();

    await box.run(': > cut.log');
    await expect.element(cut).toBeVisible();
    await expect.element(preview).toHaveTextContent('This file is empty.');
    await box.run('seq -f "again %g" 400 >> cut.log');
    await expect.element(line('again 400')).toBeInViewport();
    await expect.element(viewButton('Text')).toHaveAttribute('aria-pressed', 'true');
    await expect.element(changed).not.toBeInTheDocument();
  });

  test('updates at once unless the visible text would move', async () => {
    await box.write('edit.txt', numbers(300));
    await open('edit.txt', { line: '200' });
    await expect.element(line('line 200')).toBeInViewport();
    const before = topOf('line 200');
    // Above the visible part.
    await box.run(`sed -i 's/^line 10$/a new line 10/' edit.txt`);
    await box.run(`sed -i '1i a first line' edit.txt`);
    await expect.element(preview).toHaveTextContent('301 lines');
    await expectLineInView(201);
    // The editor corrects its place in the next frame.
    await expect.poll(() => Math.abs(topOf('line 200') - before)).toBeLessThan(2);
    // Everything changes.
    await box.write('edit.txt', numbers(300, 'other'));
    await expect.element(changed).toBeVisible();
    await expect.element(line('line 200')).toBeInViewport();
    await changed.getByRole('button', { name: 'Show latest' }).click();
    await expect.element(text).toHaveTextContent('other');
    await expect.element(changed).not.toBeInTheDocument();
  });

  test('a table updates at its top, but not once scrolled', async () => {
    await box.write('live.csv', `a,b\n${Array.from({ length: 500 }, (_, n) => `${n},x`).join('\n')}\n`);
    await open('live.csv');
    await expect.element(preview).toHaveTextContent('500 rows');
    await box.run('echo 500,x >> live.csv');
    await expect.element(preview).toHaveTextContent('501 rows');
    (page.getByRole('grid', { name: 'Table' }).element() as HTMLElement).focus();
    await userEvent.keyboard('{PageDown}{PageDown}');
    await box.run('echo 501,x >> live.csv');
    await expect.element(changed).toBeVisible();
    await changed.getByRole('button', { name: 'Show latest' }).click();
    await expect.element(preview).toHaveTextContent('502 rows');
  });

  test('a scrolled table says that it was cut and shows what is left', async () => {
    const cut = page.getByRole('status').filter({ hasText: 'The file was cut.' });
    await box.write('cut.csv', `a,b\n${Array.from({ length: 500 }, (_, n) => `${n},x`).join('\n')}\n`);
    await open('cut.csv');
    await expect.element(preview).toHaveTextContent('500 rows');
    (page.getByRole('grid', { name: 'Table' }).element() as HTMLElement).focus();
    await userEvent.keyboard('{Control>}{End}{/Control}');
    await expect.element(page.getByText('499', { exact: true }).first()).toBeVisible();
    await box.run('head -n 11 cut.csv > short && cat short > cut.csv');
    await expect.element(cut).toBeVisible();
    await expect.element(changed).not.toBeInTheDocument();
    await expect.element(preview).toHaveTextContent('10 rows');
    await cut.getByRole('button', { name: 'Dismiss' }).click();
    await expect.element(cut).not.toBeInTheDocument();
    // A program that goes on writing at its old place leaves a hole.
    await box.run('truncate -s 0 cut.csv && truncate -s 5000 cut.csv && printf "c,d\n1,2\n" >> cut.csv');
    await expect.element(cut).toBeVisible();
    await expect.element(preview.getByRole('columnheader', { name: 'c', exact: true })).toBeVisible();
    await expect.element(preview).toHaveTextContent('1 row');
  });
});

function utf16(content: string): Uint8Array {
  return new Uint8Array(Uint16Array.from(content, (character) => character.charCodeAt(0)).buffer);
}
