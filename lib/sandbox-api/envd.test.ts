import { expect, it } from 'vitest';
import { simulateNewProcess } from '../test-support/environment';

it('accepts only subdomains of the configured domain', async () => {
  simulateNewProcess({ MORU_API_KEY: 'k', MORU_DOMAIN: 'moru.example' });
  const { trustedDomain } = await import('./envd');
  expect(trustedDomain('eu.moru.example')).toBe('eu.moru.example');
  for (const named of [
    '',
    'moru.example',
    'evil.example',
    'evilmoru.example',
    'evil.example/.moru.example',
    'evil.example#.moru.example',
    'a@evil.example:80/x.moru.example',
  ]) {
    expect(trustedDomain(named)).toBe('moru.example');
  }
});
