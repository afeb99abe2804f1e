import 'server-only';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { singleton } from './singleton';

/** What a server says that does not run from a build. */
const NO_BUILD = 'development';

/**
 * Identifies the build that this process runs. Read once, at the start: a later build may replace the file while this
 * process still runs the code of the earlier one.
 */
export function buildId(): string {
  return singleton('build-id', () => {
    if (process.argv.includes('--dev')) return NO_BUILD;
    try {
      return readFileSync(
        join(/* turbopackIgnore: true */ process.cwd(), '.next', 'BUILD_ID'),
        'utf8',
      ).trim();
    } catch {
      return NO_BUILD;
    }
  });
}
