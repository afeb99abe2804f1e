import 'server-only';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** A name for this process among those that share a database: where it runs, and which it is. */
export function newOwner(): string {
  return `${hostname()}/${process.pid}/${randomBytes(6).toString('base64url')}`;
}

/**
 * Whether the process of that name is known to have ended. Only for processes that share a file with us, and so this
 * machine: a number that is in use again, by something else, counts as alive until its claim runs out.
 */
export function hasEnded(owner: string, self: string): boolean {
  const [host, pid] = owner.split('/');
  const [ownHost, ownPid] = self.split('/');
  if (host !== ownHost || owner === self) return false;
  if (pid === ownPid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
