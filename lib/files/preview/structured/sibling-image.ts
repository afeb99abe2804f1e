import { parentOf, parsePath, resolvePath } from '../../guest-path';

const IMAGE = /\.(?:png|jpe?g|gif|webp|avif|bmp|ico|svg)$/i;

/**
 * The path of an image that a document at `documentPath` names, or `null` if it is not a file beside or around it: an
 * address of another server, an absolute path, or another type. The server checks the type by the content.
 */
export function siblingImage(source: string, documentPath: string): string | null {
  const [named = ''] = source.split(/[?#]/);
  // `//host`, `/absolute`, `\\host`, and any scheme.
  if (named === '' || /^[/\\]/.test(named) || /^[a-z][a-z0-9+.-]*:/i.test(named)) return null;
  const path = resolvePath(decoded(named), { folder: parentOf(documentPath), home: '/' });
  return path !== null && IMAGE.test(path) ? parsePath(path) : null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
