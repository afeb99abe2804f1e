import 'server-only';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { singleton } from '../singleton';

/** The id under which this process holds leases: `host/pid/random`. The same for its whole lifetime. */
export function processOwner(): string {
  return singleton(
    'lease-owner',
    () => `${hostname()}/${process.pid}/${randomBytes(6).toString('base64url')}`,
  );
}

/**
 * Reports whether the process with the id `owner` has certainly ended. Use it only for processes that share a database
 * file with this one and therefore its machine. A pid that another program now uses counts as alive.
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
