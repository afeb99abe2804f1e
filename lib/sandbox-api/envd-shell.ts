import 'server-only';
import type { EnvdFiles } from './envd-files';
import { SH } from './envd-processes';
import { fileProblemOf } from './file-error';

export const BASH = '/bin/bash';

/**
 * The shell of the sandbox: bash, or else sh, because small images have no bash. Asks before anything is started, because a
 * daemon may report a missing program only as the end of a started one.
 */
export async function shellOf(envd: Pick<EnvdFiles, 'stat'>, signal: AbortSignal): Promise<string> {
  try {
    const { leadsTo } = await envd.stat(BASH, signal);
    return leadsTo === 'nothing' ? SH : BASH;
  } catch (thrown) {
    return fileProblemOf(thrown) === 'vanished' ? SH : BASH;
  }
}
