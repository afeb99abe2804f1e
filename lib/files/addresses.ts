import { sandboxPath } from '../paths';
import type { SandboxKey } from '../sandbox-key';
import type { ArchiveFormat, ContentUse, SearchPlace, UploadConflict } from './schema';

type Parameter = string | readonly string[];

function address(sandboxKey: SandboxKey, route: string, parameters: Record<string, Parameter>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of [value].flat()) search.append(name, each);
  return `/api${sandboxPath(sandboxKey)}/files/${route}?${search}`;
}

/** The addresses of the file routes. A guest path is a query parameter. */
export const fileAddresses = {
  list: (sandboxKey: SandboxKey, path: string) => address(sandboxKey, 'list', { path }),
  stat: (sandboxKey: SandboxKey, path: string) => address(sandboxKey, 'stat', { path }),
  /** `version` changes the address when the file changes, so that an element loads it again. */
  content: (sandboxKey: SandboxKey, path: string, as: ContentUse, version?: string) =>
    address(sandboxKey, 'content', { path, as, ...(version === undefined ? {} : { version }) }),
  size: (sandboxKey: SandboxKey, paths: readonly string[]) => address(sandboxKey, 'size', { path: paths }),
  archive: (
    sandboxKey: SandboxKey,
    paths: readonly string[],
    { format, isUnlimited = false, token }: { format: ArchiveFormat; isUnlimited?: boolean; token?: string },
  ) =>
    address(sandboxKey, 'archive', {
      path: paths,
      format,
      ...(isUnlimited ? { limit: 'none' } : {}),
      ...(token === undefined ? {} : { progress: token }),
    }),
  upload: (sandboxKey: SandboxKey, path: string, conflict: UploadConflict) =>
    address(sandboxKey, 'content', { path, conflict }),
  edit: (sandboxKey: SandboxKey, path: string) =>
    address(sandboxKey, 'content', { path, conflict: 'replace', as: 'edit' }),
  search: (sandboxKey: SandboxKey, path: string, { text, place }: { text: string; place: SearchPlace }) =>
    address(sandboxKey, 'search', { path, text, in: place }),
} as const;
