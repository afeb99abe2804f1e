import { ask, cookieOf } from '../support/http';
import { pageOf } from '../support/local';
import { Colleague } from '../support/operations';
import { expect, test } from './fixtures';

/** The HTML without its scripts: the text that stands on the page before any of them has run. */
function shownIn(html: string): string {
  return html.replaceAll(/<script\b[\s\S]*?<\/script>/g, '');
}

test('shows metadata with the key __proto__ in the first HTML of every page', async ({
  sandkeeper,
  sessions,
  moru,
}) => {
  // In an object literal, `__proto__` would set the prototype.
  await moru.createMany(1, () => JSON.parse('{"__proto__":"own-value"}'));
  const [id = ''] = await moru.listIds();
  const headers = cookieOf(sandkeeper, sessions.admin);
  await expect.poll(async () => (await ask(sandkeeper, pageOf(id), { headers })).text).toContain('own-value');
  await expect.poll(async () => (await ask(sandkeeper, '/sandboxes', { headers })).text).toContain(id);
  const operation = await new Colleague(sandkeeper, sessions.admin).pause([id]);
  const pages = [
    '/sandboxes',
    '/sandboxes?cols=id%20meta%253A__proto__',
    ...['', '/files', '/console', '/run', '/processes'].map((tab) => `${pageOf(id)}${tab}`),
    `/operations/${operation}`,
  ];
  for (const path of pages) {
    const { status, text } = await ask(sandkeeper, path, { headers });
    expect(status, path).toBe(200);
    expect(shownIn(text), path).toContain('__proto__');
    expect(shownIn(text), path).toContain('own-value');
  }
});
