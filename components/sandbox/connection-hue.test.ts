import { expect, it } from 'vitest';
import { connectionHue, HUES } from './connection-hue';

const NAMES = ['prod', 'staging', 'dev', 'e2b', 'moru', 'local', 'eu-1'];

it('gives connections different colours as long as there are enough', () => {
  const first = NAMES.slice(0, HUES);
  expect(new Set(first.map((name) => connectionHue(name, first))).size).toBe(HUES);
  for (const name of NAMES) expect(connectionHue(name, NAMES)).toBeLessThan(HUES);
});

it('keeps the colour of a connection when another is added', () => {
  for (const [at, name] of NAMES.entries())
    expect(connectionHue(name, NAMES.slice(0, at + 1))).toBe(connectionHue(name, NAMES));
  expect(connectionHue('other', NAMES)).toBeLessThan(HUES);
});
