import type { ArchiveFormat, ContentUse, SearchPlace, UploadConflict } from './schema';

type Parameter = string | readonly string[];

function address(sandboxId: string, route: string, parameters: Record<string, Parameter>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    for (const each of [value].flat()) search.append(name, each);
  return `/api/sandboxes/${encodeURIComponent(sandboxId)}/files/${route}?${search}`;
}

/** The addresses of the file routes. A guest path is a query parameter. */
export const fileAddresses = {
  list: (sandboxId: string, path: string) => address(sandboxId, 'list', { path }),
  stat: (sandboxId: string, path: string) => address(sandboxId, 'stat', { path }),
  /** `version` changes the address when the file changes, so that an element loads it again. */
  content: (sandboxId: string, path: string, as: ContentUse, version?: string) =>
    address(sandboxId, 'content', { path, as, ...(version === undefined ? {} : { version }) }),
  size: (sandboxId: string, paths: readonly string[]) => address(sandboxId, 'size', { path: paths }),
  archive: (
    sandboxId: string,
    paths: readonly string[],
    { format, isUnlimited = false, token }: { format: ArchiveFormat; isUnlimited?: boolean; token?: string },
  ) =>
    address(sandboxId, 'archive', {
      path: paths,
      format,
      ...(isUnlimited ? { limit: 'none' } : {}),
      ...(token === undefined ? {} : { progress: token }),
    }),
  upload: (sandboxId: string, path: string, conflict: UploadConflict) =>
    address(sandboxId, 'content', { path, conflict }),
  edit: (sandboxId: string, path: string) =>
    address(sandboxId, 'content', { path, conflict: 'replace', as: 'edit' }),
  search: (sandboxId: string, path: string, { text, place }: { text: string; place: SearchPlace }) =>
    address(sandboxId, 'search', { path, text, in: place }),
} as const;
