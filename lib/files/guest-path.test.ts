import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  baseName,
  childOf,
  isWithin,
  parentOf,
  parsePath,
  relativePath,
  resolvePath,
} from './guest-path';

it('splits and joins paths', () => {
  expect(parentOf('/home/user/a b')).toBe('/home/user');
  expect(parentOf('/home')).toBe('/');
  expect(parentOf('/')).toBe('/');
  expect(baseName('/home/user/two\nlines')).toBe('two\nlines');
  expect(baseName('/')).toBe('/');
  expect(childOf('/', 'home')).toBe('/home');
  expect(childOf('/home', 'user')).toBe('/home/user');
  expect(ancestorsOf('/home/user/out')).toEqual(['/', '/home', '/home/user']);
  expect(ancestorsOf('/')).toEqual([]);
});

it('tells what is within a folder', () => {
  expect(isWithin('/home/user', '/home')).toBe(true);
  expect(isWithin('/home', '/home')).toBe(true);
  expect(isWithin('/homeland', '/home')).toBe(false);
  expect(isWithin('/anything', '/')).toBe(true);
});

it('shortens a path relative to a folder', () => {
  expect(relativePath('/home/user', '/home/user/shards/03')).toBe('shards/03');
  expect(relativePath('/home/user', '/home/user')).toBe('/home/user');
  expect(relativePath('/home/user', '/etc/hosts')).toBe('/etc/hosts');
  expect(relativePath('/', '/etc/hosts')).toBe('/etc/hosts');
});

describe('typed text', () => {
  const here = { folder: '/home/user/out', home: '/home/user' };
  it.each([
    ['/var/log/', '/var/log'],
    ['  /etc ', '/etc'],
    ['shards/03', '/home/user/out/shards/03'],
    ['..', '/home/user'],
    ['../../..//..', '/'],
    ['~', '/home/user'],
    ['~/x', '/home/user/x'],
    ['~x', '/home/user/out/~x'],
    ['./report.html', '/home/user/out/report.html'],
    ['.../x', '/home/user/out/.../x'],
  ])('resolves %j to %j', (typed, path) => {
    expect(resolvePath(typed, here)).toBe(path);
  });

  it('may be blank', () => {
    expect(resolvePath('  ', here)).toBeNull();
  });
});

it('parses a path parameter', () => {
  expect(parsePath('/home/user//')).toBe('/home/user');
  expect(parsePath('/')).toBe('/');
  expect(parsePath('//')).toBe('/');
  expect(parsePath('home')).toBeNull();
  expect(parsePath('/a\0b')).toBeNull();
  expect(parsePath(`/${'a'.repeat(5000)}`)).toBeNull();
  expect(parsePath(null)).toBeNull();
});
