import 'server-only';
import type { Envd } from '../../sandbox-api/envd';
import type { Entry } from '../schema';

/** Pseudo file systems: endless, and different at each reading. */
const PSEUDO: ReadonlySet<string> = new Set(['proc', 'sys', 'dev']);

/** Splits a path for a command that gets the name as `./name`, which cannot be an option. */
export function splitPath(path: string): { folder: string; name: string } {
  const names = path.split('/').filter((name) => name !== '');
  const name = names.pop() ?? '';
  return { folder: `/${names.join('/')}`, name };
}

/** The paths to traverse for `path`: itself, or for the root its real entries. */
export async function pathsToTraverse(envd: Envd, path: string, signal: AbortSignal): Promise<string[]> {
  if (splitPath(path).name !== '') return [path];
  return withoutPseudo(await envd.listDir('/', signal)).map((entry) => entry.path);
}

/** The entries of the root without pseudo file systems, links and unaddressable names. */
export function withoutPseudo(entries: readonly Entry[]): Entry[] {
  return entries.filter(
    ({ name, kind, isAddressable }) => !PSEUDO.has(name) && kind !== 'link' && isAddressable,
  );
}
