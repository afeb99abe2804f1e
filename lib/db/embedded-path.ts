import 'server-only';
import { fileURLToPath } from 'node:url';

/** The file of the embedded database at `url`, or `null` for PostgreSQL. */
export function embeddedPath(url: string): string | null {
  if (!url.startsWith('file:')) return null;
  return url.startsWith('file:///') ? fileURLToPath(url) : url.slice('file:'.length);
}
