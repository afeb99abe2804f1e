import { expect } from 'vitest';
import { type Locator, page, userEvent } from 'vitest/browser';
import type { Role } from '@/lib/roles';
import { lookAway, openPage } from './page';
import { moru } from './sandboxes';

/** The fleet page in component tests. `e2e/support/vocabulary.ts` says the same in journeys. */

export const grid = page.getByRole('grid', { name: 'Sandboxes' });
export const rows = page.getByRole('row').filter({ has: page.getByRole('gridcell') });
export const filterBox = page.getByRole('combobox', { name: 'Filter sandboxes' });
export const headCheckbox = page.getByRole('checkbox', { name: 'Select all matching' });
export const dock = page.getByRole('region', { name: 'Selection' });

export const row = (id: string): Locator => page.getByRole('row', { name: id });
export const checkboxOf = (id: string): Locator => page.getByRole('checkbox', { name: `Select ${id}` });
export const press = (keys: string): Promise<void> => userEvent.keyboard(keys);

/** Sandboxes with metadata of their own: every component test shares one engine. */
export class OwnFleet {
  readonly tag = Math.random().toString(36).slice(2, 10);

  create(metadata: Record<string, string> = {}): Promise<string> {
    return moru.create({ metadata: { ...metadata, tag: this.tag } });
  }

  /** Creates a sandbox for each metadata, or as many without any. */
  createAll(list: number | readonly Record<string, string>[]): Promise<string[]> {
    const all = typeof list === 'number' ? Array.from({ length: list }, () => ({})) : list;
    return moru.createAll(all.map((metadata) => ({ ...metadata, tag: this.tag })));
  }

  /** Opens the fleet page with these `count` sandboxes, ordered by id unless `more` says otherwise. */
  async open(count: number, { role, more = '&sort=id' }: { role?: Role; more?: string } = {}): Promise<void> {
    await openPage(`/sandboxes?q=tag%3D${this.tag}${more}`, { role });
    await lookAway();
    await expect.element(grid).toHaveAttribute('aria-rowcount', String(count + 1));
    await expect.element(headCheckbox).toBeEnabled();
  }

  /** Replaces the filter. Only sandboxes of this fleet match. */
  async filter(text: string): Promise<void> {
    await page.getByRole('button', { name: 'Clear filter' }).first().click();
    await filterBox.fill(`tag=${this.tag} ${text}`);
    await press('{Enter}');
  }
}

/** Chooses an action from the menu of a row, such as `Kill…`. */
export async function chooseRowAction(id: string, action: string): Promise<void> {
  await row(id)
    .getByRole('button', { name: `Actions for ${id}` })
    .click();
  await page.getByRole('menuitem', { name: action }).click();
  await lookAway();
}

/** The ids of the rows, from top to bottom. */
export function idsInOrder(): string[] {
  return inOrder().map((element) => element.querySelector('a')?.textContent ?? '');
}

/** The positions of the selected rows. */
export function selectedPlaces(): number[] {
  return inOrder().flatMap((element, place) =>
    element.getAttribute('aria-selected') === 'true' ? place : [],
  );
}

function inOrder(): Element[] {
  const place = (element: Element) => Number(element.getAttribute('aria-rowindex'));
  return rows.elements().toSorted((one, other) => place(one) - place(other));
}
