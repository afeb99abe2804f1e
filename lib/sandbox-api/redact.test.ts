import { expect, it } from 'vitest';
import { redact } from './redact';

const KEY = 'p/ss+"word"==1234';

it.each([
  ['as it is', KEY],
  ['in another case', KEY.toUpperCase()],
  ['in a URL', encodeURIComponent(KEY)],
  ['in JSON', JSON.stringify({ key: KEY }).slice(8, -2)],
  ['in base64', Buffer.from(KEY).toString('base64')],
  ['twice', `${KEY} ${KEY}`],
])('removes a secret %s', (_, form) => {
  const safe = redact(`The header was ${form} today`, [KEY]);
  expect(safe).toMatch(/^The header was (… ?)+=* today$/);
});

it('removes keys of any account by their form', () => {
  const text = 'moru_0123456789abcdef, e2b_0123456789abcdef and sk_e2b_0123456789abcdef are keys';
  expect(redact(text, [])).toBe('…, … and … are keys');
});

it('leaves other text alone, also without a secret', () => {
  const text = 'The e2b_ prefix, moru_io and a short word stay.';
  expect(redact(text, ['', 'short'])).toBe(text);
});
