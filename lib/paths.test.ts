import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownPath, paths } from './paths';

describe('ownPath', () => {
  it.each([
    ['/sandboxes', '/sandboxes'],
    [
      '/c/local/sandboxes/i1/files?path=%2Fetc&file=%2Fetc%2Fhosts',
      '/c/local/sandboxes/i1/files?path=%2Fetc&file=%2Fetc%2Fhosts',
    ],
    ['/operations?q=a+b&_rsc=1x2y', '/operations?q=a+b'],
    ['/c/local/sandboxes/../../../operations', '/operations'],
    ['/sandboxes?next=//evil.example', '/sandboxes?next=%2F%2Fevil.example'],
    ['/sandboxes#part', '/sandboxes'],
  ])('accepts %s', (text, path) => {
    expect(ownPath(text)).toBe(path);
  });

  it.each([
    '',
    'sandboxes',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n//evil.example',
    '/.//evil.example',
    '/sandboxes/..//evil.example',
    'https://evil.example/sandboxes',
    'javascript:alert(1)',
    '/sign-in',
    '/sign-in?next=/sandboxes',
    '/api/fleet',
    '/_next/static/x.js',
    `/${'x'.repeat(5_000)}`,
    null,
    undefined,
    7,
    ['/sandboxes'],
  ])('refuses %j', (text) => {
    expect(ownPath(text)).toBeNull();
  });

  it('never leads to another origin', () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '//',
      '.',
      '..',
      '@',
      ':',
      '?',
      '#',
      '%2f',
      '\t',
      'evil.example',
      'a',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const path = ownPath(`/${parts.join('')}`);
        if (path === null) return;
        expect(new URL(path, 'https://own.example/sign-in').origin).toBe('https://own.example');
        expect(ownPath(path)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });
});

it('names the page to return to, except the first one', () => {
  expect(paths.signIn()).toBe('/sign-in');
  expect(paths.signIn('/sandboxes')).toBe('/sign-in');
  expect(paths.signIn('/operations?q=x')).toBe('/sign-in?next=%2Foperations%3Fq%3Dx');
});
