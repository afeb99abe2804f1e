import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadEnvFile, parseEnv } from './lib/env-file.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sandkeeper-env-'));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('parseEnv', () => {
  it.each([
    ['PORT=3000', { PORT: '3000' }],
    ['  export HOST = 127.0.0.1  ', { HOST: '127.0.0.1' }],
    ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['# A=1\n\nB=2', { B: '2' }],
    ['A=one two # three', { A: 'one two' }],
    ['A=one#two', { A: 'one#two' }],
    ['A= # nothing', { A: '' }],
    ['A=', { A: '' }],
    ['A="x # y" # z', { A: 'x # y' }],
    ['A=\'x\\n"y"\'', { A: 'x\\n"y"' }],
    ['A="x\\ny \\"z\\""', { A: 'x\ny "z"' }],
    ['A="first\nsecond"\nB=2', { A: 'first\nsecond', B: '2' }],
    ['A="unfinished\nB=2', { A: '"unfinished', B: '2' }],
    ['DATABASE_URL=postgres://u:p@h/d?x=1&y=2', { DATABASE_URL: 'postgres://u:p@h/d?x=1&y=2' }],
    ['1A=x\nno assignment\nB=2', { B: '2' }],
    ['A=1\nA=2', { A: '2' }],
  ])('reads %j', (text, values) => {
    expect(parseEnv(text)).toEqual(values);
  });
});

describe('loadEnvFile', () => {
  it('adds variables that are not set and skips empty values', () => {
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, '.env');
    fs.writeFileSync(file, 'PORT=4000\nHOST=0.0.0.0\nMORU_API_KEY=\n');
    const env: NodeJS.ProcessEnv = { NODE_ENV: 'test', PORT: '5000' };
    loadEnvFile(file, env);
    expect(env).toEqual({ NODE_ENV: 'test', PORT: '5000', HOST: '0.0.0.0' });
  });

  it('does nothing if the file does not exist', () => {
    const env: NodeJS.ProcessEnv = { NODE_ENV: 'test' };
    loadEnvFile(path.join(folder, 'absent'), env);
    expect(env).toEqual({ NODE_ENV: 'test' });
  });
});
