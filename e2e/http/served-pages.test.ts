import { ask, cookieOf } from '../support/http';
import { expect, test } from './fixtures';

/** Pages as the server renders them, before any script runs. */

test('the fleet contains its first rows, filtered and sorted by the URL', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  const html = async (search: string) =>
    (await ask(sandkeeper, `/sandboxes${search}`, { headers: cookieOf(sandkeeper, sessions.viewer) })).text;
  const b = await moru.create({ template: 'python', metadata: { owner: 'ana' } });
  const a = await moru.create({ template: 'base', metadata: { owner: 'ana' } });
  const other = await moru.create({ metadata: { owner: 'bjorn' } });
  for (const id of [a, b, other]) await expect.poll(() => html('')).toContain(`>${id}<`);

  const ascending = await html('?q=owner%3Dana&sort=template');
  expect(ascending).not.toContain(other);
  expect(ascending.indexOf(`>${a}<`)).toBeGreaterThan(-1);
  expect(ascending.indexOf(`>${a}<`)).toBeLessThan(ascending.indexOf(`>${b}<`));

  const descending = await html('?q=owner%3Dana&sort=-template');
  expect(descending.indexOf(`>${b}<`)).toBeGreaterThan(-1);
  expect(descending.indexOf(`>${b}<`)).toBeLessThan(descending.indexOf(`>${a}<`));
});

test('the fleet ignores invalid parameters in its URL', async ({ sandkeeper, sessions }) => {
  const headers = cookieOf(sandkeeper, sessions.viewer);
  for (const search of [
    'q=age%3E',
    'sort=nothing',
    'sort=meta:__proto__',
    'cols=%25',
    'q=a&q=b',
    'cols=x%20y',
  ]) {
    const { status, text } = await ask(sandkeeper, `/sandboxes?${search}`, { headers });
    expect(status, search).toBe(200);
    expect(text, search).toContain('Sandboxes');
  }
});

test('an unknown operation has a page, and its data answers 404', async ({ sandkeeper, sessions }) => {
  const headers = cookieOf(sandkeeper, sessions.viewer);
  for (const id of ['nosuchoperation', '..%2F..%2Fx', '%00', 'a'.repeat(300), '%3Cscript%3E', '__proto__']) {
    const { text } = await ask(sandkeeper, `/operations/${id}`, { headers });
    expect(text, id).toMatch(/Operation not found|Page not found/);
    expect(text, id).toContain('aria-label="Main"');
    expect((await ask(sandkeeper, `/api/operations/${id}`, { headers })).status, id).toBe(404);
  }
  const items = (format: string) =>
    ask(sandkeeper, `/api/operations/none/items?format=${format}`, { headers });
  expect((await items('csv')).status).toBe(404);
  expect((await items('exe')).status).toBe(400);
});
