import { expect } from 'vitest';
import { type Locator, page } from 'vitest/browser';
import type { Role } from '@/lib/roles';
import { openPage } from './page';
import type { Box } from './sandboxes';

/** The files of a sandbox, in component tests. */

export const HOME = '/home/user';

export const tree = page.getByRole('treegrid', { name: 'Files' });
export const main = page.getByRole('main');

/** The row of a file, by its name as shown, where symbols replace invisible characters. */
export const row = (name: string): Locator =>
  tree.getByRole('row').filter({ has: page.getByRole('checkbox', { name: `Select ${name}`, exact: true }) });

export const rowsOf = (grid: Locator): number => grid.getByRole('row').elements().length;

/** The visible names from top to bottom, indented by their level. */
export function namesShown(): string[] {
  const shown = tree
    .getByRole('row')
    .elements()
    .flatMap((element) => {
      const name = element.querySelector('[role=gridcell] input')?.getAttribute('aria-label');
      const level = Number(element.getAttribute('aria-level'));
      const at = Number(element.getAttribute('aria-rowindex'));
      return name ? [{ at, text: '  '.repeat(level - 1) + name.replace('Select ', '') }] : [];
    });
  return shown.sort((a, b) => a.at - b.at).map(({ text }) => text);
}

export const expectNames = (names: string[]) => expect.poll(namesShown).toEqual(names);

/** The name of the active row. */
export function active(): string | null | undefined {
  const element = document.getElementById(tree.element().getAttribute('aria-activedescendant') ?? '');
  const label = element?.querySelector('input')?.getAttribute('aria-label');
  return label?.replace('Select ', '') ?? element?.textContent;
}

export const focusTree = (): void => (tree.element() as HTMLElement).focus();

/** Opens the files of a sandbox and waits for the first folder. */
export async function openFiles(
  box: Box,
  search: Record<string, string> = {},
  role: Role = 'operator',
): Promise<void> {
  await openPage(box.page('files', search), { role });
  await expect.element(tree).toBeVisible();
}

export const LEFTOVERS =
  'mkdir -p .cache out/shards empty && echo one > out/report.html && head -c 2048 /dev/zero > run.log' +
  ' && echo hidden > .env && echo hi > judge.py && touch -d "2021-03-04 05:06:07" judge.py && ln -s out/report.html latest';
