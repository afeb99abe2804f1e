import { join } from 'node:path';
import type { Guest } from './guests';
import type { Tokens } from './ids';
import type { SandboxRecord } from './record';

/** What the far side of the seam may know of a record. */
export function guestOf(record: SandboxRecord, tokens: Tokens, guestsDir: string): Guest {
  const { id, templateId, state, secure, envVars, cpuCount, memoryMB, diskSizeMB, allowInternetAccess } =
    record;
  return {
    id,
    templateId,
    state,
    secure,
    accessToken: tokens.access(id),
    envVars,
    cpuCount,
    memoryMB,
    diskSizeMB,
    allowInternetAccess,
    dataDir: join(guestsDir, id),
  };
}
