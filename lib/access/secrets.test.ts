import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { restartProcess, setUpDataDir, simulateNewProcess } from '../test-support/environment';
import { isSignInToken, seal, tokenFingerprint, unseal } from './secrets';

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

describe('the sealing key', () => {
  it('is created once, readable only by its owner, and is all that is kept', () => {
    const sealed = seal('session', 'abc');
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(Object.keys(JSON.parse(readFileSync(file(), 'utf8')))).toEqual(['sealingKey']);
    restartProcess();
    expect(unseal('session', sealed)).toBe('abc');
  });

  it('is read from a file of an earlier version, whose token signs nobody in', () => {
    const old = { signInToken: 'an-old-token-0123456789', sealingKey: 'k'.repeat(43) };
    writeFileSync(file(), JSON.stringify(old));
    restartProcess();
    expect(unseal('session', seal('session', 'abc'))).toBe('abc');
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual(old);
    expect(isSignInToken(old.signInToken)).toBe(false);
  });
});

describe('the fixed sign-in token', () => {
  const TOKEN = 'Ry0yJm8rV3hQ1cZkT6uWb9nL';

  async function withToken(token: string) {
    simulateNewProcess({ SANDKEEPER_SIGN_IN_TOKEN: token });
    return import('./secrets');
  }

  it('is compared in full', async () => {
    const { isSignInToken: isToken } = await withToken(TOKEN);
    expect(isToken(TOKEN)).toBe(true);
    expect(['', TOKEN.slice(1), `${TOKEN}x`, TOKEN.toUpperCase()].filter(isToken)).toEqual([]);
  });

  it('is no text at all without one in the configuration', () => {
    expect(['', 'undefined', 'null'].filter(isSignInToken)).toEqual([]);
    expect(tokenFingerprint()).toBe('');
  });

  it('has a fingerprint that does not reveal it', async () => {
    const first = (await withToken(TOKEN)).tokenFingerprint();
    expect(first).not.toContain(TOKEN);
    expect((await withToken(TOKEN)).tokenFingerprint()).toBe(first);
    expect((await withToken('another-token-0123')).tokenFingerprint()).not.toBe(first);
  });
});

describe('a damaged file', () => {
  it.each(['', 'not json', '{"sealingKey":"short"}'])('(%j) is moved away and replaced', (text) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    writeFileSync(file(), text);
    expect(unseal('session', seal('session', 'abc'))).toBe('abc');
    expect(readFileSync(`${file()}.damaged`, 'utf8')).toBe(text);
    expect(error).toHaveBeenCalledOnce();
    error.mockRestore();
  });
});
