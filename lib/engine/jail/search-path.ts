import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where programs inside are looked for. */
export const SEARCH_PATH =
  '/run/moru/engine/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Finds a program of this machine, on the search path of the engine or in a usual place. */
export function findTool(name: string): string | null {
  for (const directory of `${process.env.PATH ?? ''}:${SEARCH_PATH}`.split(':')) {
    const path = join(directory, name);
    if (directory.startsWith('/') && isExecutable(path)) return path;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
