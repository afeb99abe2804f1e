import { connectionOf, idOf, type SandboxKey } from './sandbox-key';

/** The path of a sandbox's page, and of its routes below `/api`. */
export function sandboxPath(key: SandboxKey): string {
  return `/c/${encodeURIComponent(connectionOf(key))}/sandboxes/${encodeURIComponent(idOf(key))}`;
}

/** The paths of all pages. */
export const paths = {
  /** `next` is the page to go to after signing in, as `ownPath` returns it. */
  signIn: (next: string | null = null) =>
    next === null || next === '/' || next === '/sandboxes'
      ? '/sign-in'
      : `/sign-in?next=${encodeURIComponent(next)}`,
  /** Leads to a provider, and from there back to `next`. */
  signInWith: (provider: string, next: string | null = null) =>
    `/sign-in/with/${encodeURIComponent(provider)}${next === null ? '' : `?next=${encodeURIComponent(next)}`}`,
  signInSettings: () => '/settings/sign-in',
  signInTest: (id: string) => `/settings/sign-in/test?result=${encodeURIComponent(id)}`,
  /** Leads to a provider, and from there to the result of the test. */
  startSignInTest: (provider: string) => `/api/sign-in/${encodeURIComponent(provider)}/test`,
  sandboxes: () => '/sandboxes',
  /** Leads to the sandbox with this id, in whatever connection it is, or says how it ended. */
  sandboxById: (id: string) => `/sandboxes/${encodeURIComponent(id)}`,
  sandbox: (key: SandboxKey) => sandboxPath(key),
  /** `path` and `file` are absolute paths in the sandbox. */
  sandboxFiles: (key: SandboxKey, shown: { path?: string; file?: string } = {}) => {
    const search = new URLSearchParams(shown).toString();
    return `${sandboxPath(key)}/files${search === '' ? '' : `?${search}`}`;
  },
  sandboxConsole: (key: SandboxKey, consoleId?: string) =>
    `${sandboxPath(key)}/console${consoleId === undefined ? '' : `?${new URLSearchParams({ console: consoleId })}`}`,
  /** `run` is the id of the operation whose output is shown. */
  sandboxRun: (key: SandboxKey, run?: string) =>
    `${sandboxPath(key)}/run${run === undefined ? '' : `?run=${encodeURIComponent(run)}`}`,
  sandboxProcesses: (key: SandboxKey) => `${sandboxPath(key)}/processes`,
  /** `search` is a query string without the question mark. */
  operations: (search = '') => (search === '' ? '/operations' : `/operations?${search}`),
  /** `search` is a query string without the question mark. */
  access: (search = '') => (search === '' ? '/operations/access' : `/operations/access?${search}`),
  settings: () => '/settings',
  profile: () => '/settings/profile',
  about: () => '/settings/about',
  noAccess: () => '/no-access',
  connections: () => '/settings/connections',
  connection: (name: string) => `/settings/connections/${encodeURIComponent(name)}`,
  operation: (id: string) => `/operations/${encodeURIComponent(id)}`,
} as const;

/** The request header with the path and query of the page, which our own server sets. */
export const PATH_HEADER = 'x-sandkeeper-path';

const MAX_PATH_CHARS = 4_096;
/** Resolves paths. Nothing is ever sent to it. */
const NOWHERE = 'http://sandkeeper.invalid';

/**
 * The path and query of one of our own pages, or `null` for anything else: another origin, however it is written, the
 * sign-in page, or an address that is not a page.
 */
export function ownPath(text: unknown): string | null {
  if (typeof text !== 'string' || !text.startsWith('/') || text.length > MAX_PATH_CHARS) return null;
  // Browsers drop control characters and read a backslash as a slash.
  if (/[\\\p{Cc}]/u.test(text) || text.startsWith('//') || !URL.canParse(text, NOWHERE)) return null;
  const url = new URL(text, NOWHERE);
  if (url.origin !== NOWHERE || /^\/(?:\/|(?:api|sign-in|_next)(?:\/|$))/.test(url.pathname)) return null;
  // Next.js adds it to its own requests.
  url.searchParams.delete('_rsc');
  return `${url.pathname}${url.search}`;
}
