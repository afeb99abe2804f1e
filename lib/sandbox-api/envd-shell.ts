import 'server-only';
import type { EnvdFiles } from './envd-files';
import { SH } from './envd-processes';
import { fileProblemOf } from './file-error';

export const BASH = '/bin/bash';

/**
 * The shell of the sandbox: bash, or else sh, because small images have no bash. Asks before anything is started, because a
 * daemon may report a missing program only as the end of a started one. The files of a sandbox may not show the programs that its
 * processes see, so a missing bash counts only beside an sh.
 */
export async function shellOf(envd: Pick<EnvdFiles, 'stat'>, signal: AbortSignal): Promise<string> {
  if (await isThere(envd, BASH, signal)) return BASH;
  return (await isThere(envd, SH, signal)) ? SH : BASH;
}

/** What cannot be read is taken to be there: the start of a shell says what is wrong. */
async function isThere(envd: Pick<EnvdFiles, 'stat'>, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await envd.stat(path, signal)).leadsTo !== 'nothing';
  } catch (thrown) {
    return fileProblemOf(thrown) !== 'vanished';
  }
}
