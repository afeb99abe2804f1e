/** Places in a sandbox, as text. All of them are absolute. */

/** Where the user of a sandbox may have its home, the likeliest first. */
export const HOMES = ['/home/user', '/root'] as const;

/** The folder that holds `path`; the root holds itself. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

/** The last name of `path`; `/` for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || '/';
}

/** `name` in `folder`. */
export function childOf(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The folders above `path`, from the root down, without itself. */
export function ancestorsOf(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== '/'; ) {
    at = parentOf(at);
    found.unshift(at);
  }
  return found;
}

/** Whether `path` is `folder` or lies somewhere below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`);
}

/** `path` as it is said in `folder`: relative where it lies below it, absolute elsewhere. */
export function relativePath(folder: string, path: string): string {
  if (folder === '/' || path === folder || !isWithin(path, folder)) return path;
  return path.slice(folder.length + 1);
}

/**
 * What somebody who is in `folder` means by `text`: an absolute path, one from here, or one from `~`. `null` for
 * nothing. Dots are worked out in the text, as a shell does when it goes somewhere.
 */
export function resolvePath(
  text: string,
  { folder, home }: { folder: string; home: string },
): string | null {
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

const LONGEST = 4096;

/** The path in an address, without the slashes that mean nothing; `null` where it is none. */
export function parsePath(text: string | null): string | null {
  if (!text?.startsWith('/') || text.length > LONGEST || text.includes('\0')) return null;
  return text.replace(/\/+$/, '') || '/';
}
