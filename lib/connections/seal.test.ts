import { expect, it } from 'vitest';
import { KeySeal } from './seal';

const SECRET = 'a secret of more than thirty-two characters';
const seal = new KeySeal(SECRET);

it('opens what it sealed, under the same secret and name alone', () => {
  const sealed = seal.seal('prod', 'e2b_0123456789');
  expect(sealed).not.toContain('e2b_');
  expect(seal.open('prod', sealed)).toBe('e2b_0123456789');
  expect(new KeySeal(SECRET).open('prod', sealed)).toBe('e2b_0123456789');
  expect(seal.open('staging', sealed)).toBeNull();
  expect(new KeySeal(`${SECRET}!`).open('prod', sealed)).toBeNull();
});

it('seals the same key differently each time', () => {
  expect(seal.seal('prod', 'key')).not.toBe(seal.seal('prod', 'key'));
});

it('opens nothing that was changed', () => {
  const bytes = Buffer.from(seal.seal('prod', 'key'), 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(seal.open('prod', changed.toString('base64url'))).toBeNull();
  }
  for (const text of ['', 'x', bytes.subarray(0, 27).toString('base64url'), '%%%'])
    expect(seal.open('prod', text)).toBeNull();
});

it('names its secret by a fingerprint', () => {
  expect(new KeySeal(SECRET).fingerprint).toBe(seal.fingerprint);
  expect(new KeySeal(`${SECRET}!`).fingerprint).not.toBe(seal.fingerprint);
});
