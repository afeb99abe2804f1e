import { randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where everything lives. All paths are absolute. */
export type DataDir = {
  root: string;
  records: string;
  guests: string;
  setAside: string;
  runs: string;
  /** Lets another engine in. */
  unlock(): void;
};

/** The engine cannot start, for a reason that the operator can do something about. */
export class StartError extends Error {
  override name = 'StartError';
}

/**
 * Makes the directory with its rooms and takes its lock.
 * @throws StartError when another engine uses it or it cannot be written.
 */
export function openDataDir(path: string): DataDir {
  const root = resolve(path);
  try {
    // 0711: a sandbox's own user must be able to walk through to its files, and to list nothing on the way.
    makeWalkable(root);
    makeWalkable(join(root, 'guests'));
    mkdirSync(join(root, 'records'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError(`The data directory ${root} cannot be made: ${messageOf(error)}`);
  }
  const unlock = takeLock(join(root, 'engine.lock'), root);
  return {
    root,
    records: join(root, 'records'),
    guests: join(root, 'guests'),
    setAside: join(root, 'set-aside'),
    runs: join(root, 'runs.jsonl'),
    unlock,
  };
}

/** Whatever the umask; a directory that was there before keeps what its owner chose. */
function makeWalkable(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: 0o711 }) !== undefined) chmodSync(path, 0o711);
}

/** The text of `<root>/<name>`, made by `generate` and kept readable for the owner alone when it is not there. */
export function keepSecret(
  root: string,
  name: string,
  isValid: (text: string) => boolean,
  generate: () => string,
): string {
  const path = join(root, name);
  try {
    const kept = readFileSync(path, 'utf8').trim();
    if (isValid(kept)) return kept;
    throw new StartError(`${path} does not hold what it should. Delete it and a new one is made.`);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const secret = generate();
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  return secret;
}

/** The secret that access tokens are derived from; made once for each data directory. */
export function keepSeed(root: string): Buffer {
  const isHex = (text: string) => /^[0-9a-f]{64}$/.test(text);
  return Buffer.from(
    keepSecret(root, 'seed', isHex, () => randomBytes(32).toString('hex')),
    'hex',
  );
}

/** Takes the lock file, or takes it over from a process that is gone. Returns what gives it back. */
function takeLock(path: string, root: string): () => void {
  const mine = `${process.pid} ${bornAt(process.pid)} ${randomBytes(8).toString('hex')}\n`;
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        linkSync(beside, path);
        return () => {
          if (readText(path) === mine) rmSync(path, { force: true });
        };
      } catch (error) {
        if (!isExisting(error)) throw error;
      }
      dropStaleLock(path, root);
    }
    throw new StartError(`The lock of the data directory ${root} cannot be taken.`);
  } finally {
    rmSync(beside, { force: true });
  }
}

function dropStaleLock(path: string, root: string): void {
  const held = readText(path);
  if (held === null) return;
  const [pidText = '', born] = held.split(/\s+/);
  const pid = Number(pidText);
  if (Number.isInteger(pid) && pid > 0 && isAlive(pid) && bornAt(pid) === born) {
    throw new StartError(
      `The data directory ${root} is in use by another engine (process ${pid}). Stop that one, or start with another --data-dir.`,
    );
  }
  // Moved rather than deleted: should a third process have replaced it just now, its lock is put back.
  const moved = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, moved);
    if (readText(moved) !== held) linkSync(moved, path);
  } catch (error) {
    if (!isMissing(error) && !isExisting(error)) throw error;
  } finally {
    rmSync(moved, { force: true });
  }
}

/** Tells a process from a later one that got the same number: its start in clock ticks, `-` where unknown. */
function bornAt(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the name in parentheses and may hold anything; the start is field 22.
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
