import 'server-only';
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { config } from '../config';
import { singleton } from '../singleton';

/** Earlier versions also kept a permanent sign-in token here. It signs nobody in any more. */
const Stored = z.object({ sealingKey: z.string().min(32) });
type Secrets = z.infer<typeof Stored>;

/**
 * The secrets of this installation, created once and stored in the data directory, readable only by its owner, so that
 * sessions survive a restart.
 */
function secrets(): Secrets {
  return singleton('secrets', () => loadOrCreate(config().dataDir));
}

function loadOrCreate(dataDir: string): Secrets {
  const path = join(dataDir, 'secrets.json');
  let text: string | undefined;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (text !== undefined) {
    const parsed = Stored.safeParse(safeJson(text));
    if (parsed.success) return parsed.data;
    // Without this, the server could not start. New secrets only end the existing sessions.
    renameSync(path, `${path}.damaged`);
    console.error(
      `The secrets in ${path} could not be read. Moved them to ${path}.damaged and created new ones.`,
    );
  }
  const created: Secrets = { sealingKey: randomBytes(32).toString('base64url') };
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  writeFileSync(`${path}.new`, JSON.stringify(created), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return created;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether `token` is the fixed sign-in token of the configuration. Compares in constant time. */
export function isSignInToken(token: string): boolean {
  const { token: fixed } = config().signIn;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  // As long without a fixed one.
  return timingSafeEqual(digest(token), digest(fixed ?? '')) && fixed !== undefined;
}

/** Identifies the fixed sign-in token without revealing it. Empty without one. */
export function tokenFingerprint(): string {
  const { token } = config().signIn;
  return token === undefined ? '' : mac('fingerprint', token).toString('base64url');
}

/** Appends a signature to `text`, which must not contain a `.`. Valid for one `purpose`. */
export function seal(purpose: string, text: string): string {
  return `${text}.${mac(purpose, text).toString('base64url')}`;
}

/** The text passed to `seal`, or `null` if it was changed or sealed for another purpose. */
export function unseal(purpose: string, sealed: string): string | null {
  const dot = sealed.indexOf('.');
  if (dot < 0) return null;
  const text = sealed.slice(0, dot);
  const given = Buffer.from(sealed.slice(dot + 1), 'base64url');
  const right = mac(purpose, text);
  return given.length === right.length && timingSafeEqual(given, right) ? text : null;
}

function mac(purpose: string, text: string): Buffer {
  return createHmac('sha256', secrets().sealingKey).update(`${purpose}\n${text}`).digest();
}
