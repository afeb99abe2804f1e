import { afterEach, beforeEach, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { openPage } from '@/e2e/support/served/page';
import { moru, redirectOf } from '@/e2e/support/served/sandboxes';
import { answerOf } from '@/lib/answer';
import { chooseStartView, deleteOneView, renameOneView, saveOneView } from '@/lib/views/actions';
import type { SavedView } from '@/lib/views/schema';

const QUERY = 'q=owner%3Dviews-ana&sort=-left&cols=id+left+state';

const viewsButton = page.getByRole('button', { name: 'Views', exact: true });
const popover = page.getByRole('dialog', { name: 'Views' });
const line = (name: string) => popover.getByRole('button', { name, exact: true });
const toast = page.getByRole('region', { name: /Notifications/ });

async function saved(): Promise<SavedView[]> {
  return (await fetch('/api/views')).json();
}

async function idOf(name: string): Promise<string> {
  return (await saved()).find((view) => view.name === name)?.id ?? '';
}

/** The titles of the columns, from left to right. */
const titles = () =>
  page
    .getByRole('columnheader')
    .elements()
    .map((element) => element.textContent)
    .filter((title) => title !== '' && title !== 'Actions');

beforeEach(async () => {
  await moru.create({ metadata: { owner: 'views-ana' } });
});

afterEach(async () => {
  for (const { id } of await saved()) await deleteOneView({ id });
});

it('saves what is on screen as a view, starts with it, and renames it', async () => {
  await openPage(`/sandboxes?${QUERY}`);
  await viewsButton.click();
  await popover.getByLabelText('Save this view').fill('Mine to end');
  await userEvent.keyboard('{Enter}');
  await expect.element(line('Mine to end')).toHaveAttribute('aria-current', 'true');
  await line('Start with Mine to end').click();
  await expect.element(line('Start with Mine to end')).toHaveAttribute('aria-pressed', 'true');
  expect(await redirectOf('/')).toBe(`/sandboxes?${QUERY}`);
  // Nobody else starts with it.
  expect(await redirectOf('/', 'operator')).toBe('/sandboxes');

  await line('Rename Mine to end').click();
  const name = popover.getByLabelText('New name of Mine to end');
  await expect.element(name).toHaveFocus();
  await userEvent.keyboard('{Escape}');
  await expect.element(line('Rename Mine to end')).toHaveFocus();
  await line('Rename Mine to end').click();
  await name.fill('Oldest first');
  await userEvent.keyboard('{Enter}');
  await expect.element(line('Oldest first')).toBeVisible();
  expect(await redirectOf('/')).toBe(`/sandboxes?${QUERY}`);

  await openPage((await redirectOf('/')) ?? '');
  await expect.element(page.getByRole('button', { name: 'Remove owner=views-ana' })).toBeVisible();
  await expect
    .element(page.getByRole('columnheader', { name: 'Time left' }))
    .toHaveAttribute('aria-sort', 'descending');
  expect(titles()).toEqual(['Sandbox', 'Time left', 'State']);
  await viewsButton.click();
  await line('Start with Oldest first').click();
  await expect.element(line('Start with Oldest first')).toHaveAttribute('aria-pressed', 'false');
  expect(await redirectOf('/')).toBe('/sandboxes');
});

it('shows what another tab did to the views', async () => {
  await answerOf(saveOneView({ name: 'First', query: QUERY, isShared: false }));
  await answerOf(chooseStartView({ id: await idOf('First') }));
  await openPage('/sandboxes');
  await viewsButton.click();
  await expect.element(line('Start with First')).toHaveAttribute('aria-pressed', 'true');
  await userEvent.keyboard('{Escape}');

  await answerOf(renameOneView({ id: await idOf('First'), name: 'Second' }));
  await viewsButton.click();
  await expect.element(line('Start with Second')).toHaveAttribute('aria-pressed', 'true');
  expect(line('First').query()).toBeNull();

  // It is deleted while its line is on the screen.
  await answerOf(deleteOneView({ id: await idOf('Second') }));
  expect(await redirectOf('/')).toBe('/sandboxes');
  await line('Rename Second').click();
  await popover.getByLabelText('New name of Second').fill('Third');
  await userEvent.keyboard('{Enter}');
  await expect.element(toast).toHaveTextContent('This view does not exist');
  await expect.element(popover).toHaveTextContent('Save the filter, sort order and columns on screen');
  expect(popover.getByRole('listitem').query()).toBeNull();
});
