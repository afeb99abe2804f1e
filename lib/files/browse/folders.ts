import 'server-only';
import type { Envd } from '../../sandbox-api/envd';
import type { Entry } from '../schema';

/** What the system shows as files and are none: without end, and different at each reading. */
const PSEUDO: ReadonlySet<string> = new Set(['proc', 'sys', 'dev']);

/** A folder in the way a command takes it, `.` for its last name: no name can be taken for an option. */
export function splitPath(path: string): { folder: string; name: string } {
  const names = path.split('/').filter((name) => name !== '');
  const name = names.pop() ?? '';
  return { folder: `/${names.join('/')}`, name };
}

/** What is to be gone through below `path`: the place itself, or all of the root but what only looks like files. */
export async function pathsToTraverse(envd: Envd, path: string, signal: AbortSignal): Promise<string[]> {
  if (splitPath(path).name !== '') return [path];
  return withoutPseudo(await envd.listDir('/', signal)).map((entry) => entry.path);
}

/** The entries of the root that are files or folders of their own. */
export function withoutPseudo(entries: readonly Entry[]): Entry[] {
  return entries.filter(
    ({ name, kind, isAddressable }) => !PSEUDO.has(name) && kind !== 'link' && isAddressable,
  );
}
