import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The engine's data directory, with its lock held. All paths are absolute. */
export type DataDir = {
  root: string;
  records: string;
  guests: string;
  setAside: string;
  lifetimes: string;
  events: string;
  /** The list of snapshots, and the directory with their files. */
  templates: string;
  snapshots: string;
  unlock(): void;
};

/** The engine cannot start, and the operator can fix the reason. */
export class StartError extends Error {
  override name = 'StartError';
}

/**
 * Creates the directory if needed and takes its lock.
 * @throws StartError if another engine uses it or it is not writable.
 */
export function openDataDir(path: string): DataDir {
  const root = resolve(path);
  try {
    // 0711 lets a sandbox's own user reach its files without listing the directories above them.
    makeTraversable(root);
    makeTraversable(join(root, 'guests'));
    mkdirSync(join(root, 'records'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError(`Cannot create the data directory ${root}: ${messageOf(error)}`);
  }
  const unlock = takeLock(join(root, 'engine.lock'), root);
  return {
    root,
    records: join(root, 'records'),
    guests: join(root, 'guests'),
    setAside: join(root, 'set-aside'),
    lifetimes: join(root, 'runs.jsonl'),
    events: join(root, 'events.jsonl'),
    templates: join(root, 'templates.json'),
    snapshots: join(root, 'snapshots'),
    unlock,
  };
}

/** Mode 0711 whatever the umask. An existing directory keeps its mode. */
function makeTraversable(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o711 }) !== undefined) chmodSync(path, 0o711);
}

/**
 * Reads the secret in `<root>/<name>`, or generates it and saves it with mode 0600.
 * @throws StartError if the file holds an invalid secret.
 */
export function loadOrCreateSecret(
  root: string,
  name: string,
  isValid: (text: string) => boolean,
  generate: () => string,
): string {
  const path = join(root, name);
  try {
    const saved = readFileSync(path, 'utf8').trim();
    if (isValid(saved)) return saved;
    throw new StartError(`${path} is invalid. Delete it to generate a new one.`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const secret = generate();
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  return secret;
}

/** The secret that the sandboxes' access tokens are derived from. */
export function loadOrCreateSeed(root: string): Buffer {
  const isHex = (text: string) => /^[0-9a-f]{64}$/.test(text);
  return Buffer.from(
    loadOrCreateSecret(root, 'seed', isHex, () => randomBytes(32).toString('hex')),
    'hex',
  );
}

/** Creates the lock file, replacing that of a process that has ended. @returns a function that releases the lock. */
function takeLock(path: string, root: string): () => void {
  const own = `${process.pid} ${startTimeOf(process.pid)} ${randomBytes(8).toString('hex')}\n`;
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, own, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        linkSync(temporary, path);
        return () => {
          if (readText(path) === own) rmSync(path, { force: true });
        };
      } catch (error) {
        if (!isExisting(error)) throw error;
      }
      removeStaleLock(path, root);
    }
    throw new StartError(`Cannot lock the data directory ${root}. Try again.`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function removeStaleLock(path: string, root: string): void {
  const current = readText(path);
  if (current === null) return;
  const [pidText = '', startTime] = current.split(/\s+/);
  const pid = Number(pidText);
  if (Number.isInteger(pid) && pid > 0 && isAlive(pid) && startTimeOf(pid) === startTime) {
    throw new StartError(
      `The data directory ${root} is in use by another engine (process ${pid}). Stop it, or pass another --data-dir.`,
    );
  }
  // Rename, then check: if a third process has just replaced the lock, its lock is restored.
  const moved = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, moved);
    if (readText(moved) !== current) linkSync(moved, path);
  } catch (error) {
    if (!isMissing(error) && !isExisting(error)) throw error;
  } finally {
    rmSync(moved, { force: true });
  }
}

/** Start time in clock ticks, which tells apart two processes with the same pid; `-` if unknown. */
function startTimeOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // Field 2, the name in parentheses, may contain anything. The start time is field 22.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

const hasCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;
const isMissing = (error: unknown) => hasCode(error, 'ENOENT');
const isExisting = (error: unknown) => hasCode(error, 'EEXIST');
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
