import type { Entry } from '../sandbox/file';
import { baseName } from './guest-path';

/** An entry for tests, by default a small file. */
export function entryAt(path: string, facts: Partial<Entry> = {}): Entry {
  return {
    name: baseName(path),
    path,
    kind: 'file',
    leadsTo: null,
    linkTarget: null,
    sizeBytes: 10,
    permissions: '-rw-r--r--',
    owner: 'user',
    group: 'user',
    modifiedAtMs: 1_700_000_000_000,
    isAddressable: true,
    ...facts,
  };
}

export function folderAt(path: string, facts: Partial<Entry> = {}): Entry {
  return entryAt(path, { kind: 'directory', permissions: 'drwxr-xr-x', sizeBytes: 4096, ...facts });
}
