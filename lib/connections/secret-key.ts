import 'server-only';
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { config } from '../config';
import { singleton } from '../singleton';
import { KeySeal } from './seal';

const FILE = 'secret.key';
const MIN_LENGTH = 32;

type Settings = {
  /** `SANDKEEPER_SECRET_KEY`. */
  key: string | undefined;
  /** `SANDKEEPER_SECRET_KEY_FILE`. */
  file: string | undefined;
  dataDir: string;
};

/**
 * The secret under which the keys of connections are sealed: the setting, the content of the file that is set, or one that
 * is created in the data directory, readable only by its owner.
 * @throws a sentence that says what is wrong with the setting or the file
 */
export function readSecretKey({ key, file, dataDir }: Settings): string {
  if (key !== undefined && file !== undefined)
    throw new Error('SANDKEEPER_SECRET_KEY and SANDKEEPER_SECRET_KEY_FILE are both set: remove one.');
  if (key !== undefined) return longEnough(key.trim(), 'SANDKEEPER_SECRET_KEY');
  if (file !== undefined) return longEnough(readText(file), `The secret key in ${file}`);
  const path = join(dataDir, FILE);
  return longEnough(readIfPresent(path) ?? create(dataDir, path), `The secret key in ${path}`);
}

/** The seal of this process. @throws like `readSecretKey` */
export function keySeal(): KeySeal {
  const { secretKey, dataDir } = config();
  return singleton('key-seal', () => new KeySeal(readSecretKey({ ...secretKey, dataDir })));
}

/** Creates the file in one step, so that of several processes that start at once all use the same key. */
function create(dataDir: string, path: string): string {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readText(path);
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new Error(`The secret key in ${path} cannot be read: ${(error as Error).message}`);
  }
}

function longEnough(text: string, name: string): string {
  if (text.length >= MIN_LENGTH) return text;
  throw new Error(
    `${name} has ${text.length} characters: use at least ${MIN_LENGTH}, for example the output of \`openssl rand -base64 32\`.`,
  );
}
