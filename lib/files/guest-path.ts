/** Operations on paths inside a sandbox. All paths are absolute. */

/** Candidates for the home folder, most likely first. */
export const HOMES = ['/home/user', '/root'] as const;

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

/** The last name of `path`; `/` for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || '/';
}

export function childOf(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

export function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== '/'; ) {
    at = parentOf(at);
    found.unshift(at);
  }
  return found;
}

/** Whether `path` is `folder` or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

/** `path` relative to `folder` if it is below it, or else absolute. */
export function relativePath(folder: string, path: string): string {
  if (folder === '/' || path === folder || !isWithin(path, folder)) return path;
  return path.slice(folder.length + 1);
}

/**
 * Resolves typed text to a path: absolute, relative to `folder`, or from `~`. `null` for blank text. Resolves dots
 * textually, as `cd` does.
 */
export function resolvePath(text: string, { folder, home }: { folder: string; home: string }): string | null {
  const typed = text.trim();
  if (typed === '') return null;
  const whole = /^~(?=\/|$)/.test(typed)
    ? home + typed.slice(1)
    : typed.startsWith('/')
      ? typed
      : `${folder}/${typed}`;
  const names: string[] = [];
  for (const name of whole.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

const MAX_PATH_CHARS = 4096;

/** Parses a path parameter and drops trailing slashes. `null` if it is invalid. */
export function parsePath(text: string | null): string | null {
  if (!text?.startsWith('/') || text.length > MAX_PATH_CHARS || text.includes('\0')) return null;
  return text.replace(/\/+$/, '') || '/';
}
