import type { Entry } from './schema';

/** Changes with the content of a file, as far as its size and modification time tell. */
export function etagOf({ sizeBytes, modifiedAtMs }: Pick<Entry, 'sizeBytes' | 'modifiedAtMs'>): string {
  return `"${sizeBytes.toString(36)}-${Math.round(modifiedAtMs).toString(36)}"`;
}
