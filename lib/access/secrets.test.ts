import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { restartProcess, setUpDataDir } from '../test-support/environment';
import { isSignInToken, seal, signInToken, tokenFingerprint, unseal } from './secrets';

const dataDir = setUpDataDir();
const file = () => join(dataDir.path, 'secrets.json');

beforeEach(() => restartProcess());

describe('seal', () => {
  it('is reversed by unseal for the same purpose only', () => {
    const sealed = seal('session', 'abc-123');
    expect(unseal('session', sealed)).toBe('abc-123');
    expect(unseal('plan', sealed)).toBeNull();
  });

  it('detects every change', () => {
    const sealed = seal('session', 'abc');
    const [text = '', signature = ''] = sealed.split('.');
    const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1);
    const forged = [
      '',
      '.',
      'abc',
      'abc.',
      `.${signature}`,
      `abd.${signature}`,
      `abc.${flipped}`,
      `abc.${signature.slice(0, -4)}`,
      `abc.${signature}AAAA`,
      `${text}.${signature}.x${signature}`,
      `x${sealed}`,
    ];
    expect(forged.filter((value) => unseal('session', value) !== null)).toEqual([]);
  });

  it('stays valid across a restart, but not with a new key', () => {
    const sealed = seal('session', 'abc');
    restartProcess();
    expect(unseal('session', sealed)).toBe('abc');
    const stored = JSON.parse(readFileSync(file(), 'utf8'));
    writeFileSync(file(), JSON.stringify({ ...stored, sealingKey: 'x'.repeat(43) }));
    restartProcess();
    expect(unseal('session', sealed)).toBeNull();
  });
});

describe('the sign-in token', () => {
  it('is created once, readable only by its owner', () => {
    const token = signInToken();
    expect(token).toMatch(/^[\w-]{32}$/);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    restartProcess();
    expect(signInToken()).toBe(token);
  });

  it('is compared in full', () => {
    const token = signInToken();
    expect(isSignInToken(token)).toBe(true);
    expect(['', token.slice(1), `${token}x`, token.toUpperCase()].filter(isSignInToken)).toEqual([]);
  });

  it('has a fingerprint that does not reveal it', () => {
    const fingerprint = tokenFingerprint();
    expect(fingerprint).not.toContain(signInToken());
    const stored = JSON.parse(readFileSync(file(), 'utf8'));
    writeFileSync(file(), JSON.stringify({ ...stored, signInToken: 'another-token-0123' }));
    restartProcess();
    expect(signInToken()).toBe('another-token-0123');
    expect(tokenFingerprint()).not.toBe(fingerprint);
  });
});

describe('a damaged file', () => {
  it.each(['', 'not json', '{"signInToken":"short","sealingKey":"short"}'])(
    '(%j) is moved away and replaced',
    (text) => {
      const error = vi.spyOn(console, 'error').mockImplementation(() => {});
      writeFileSync(file(), text);
      expect(signInToken()).toMatch(/^[\w-]{32}$/);
      expect(readFileSync(`${file()}.damaged`, 'utf8')).toBe(text);
      expect(error).toHaveBeenCalledOnce();
      error.mockRestore();
    },
  );
});
