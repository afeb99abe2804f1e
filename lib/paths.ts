/** The paths of all pages. */
export const paths = {
  signIn: () => '/sign-in',
  sandboxes: () => '/sandboxes',
  sandbox: (id: string) => `/sandboxes/${encodeURIComponent(id)}`,
  /** `path` and `file` are absolute paths in the sandbox. */
  sandboxFiles: (id: string, shown: { path?: string; file?: string } = {}) => {
    const search = new URLSearchParams(shown).toString();
    return `/sandboxes/${encodeURIComponent(id)}/files${search === '' ? '' : `?${search}`}`;
  },
  sandboxConsole: (id: string, consoleId?: string) =>
    `/sandboxes/${encodeURIComponent(id)}/console${consoleId === undefined ? '' : `?${new URLSearchParams({ console: consoleId })}`}`,
  /** `run` is the id of the operation whose output is shown. */
  sandboxRun: (id: string, run?: string) =>
    `/sandboxes/${encodeURIComponent(id)}/run${run === undefined ? '' : `?run=${encodeURIComponent(run)}`}`,
  sandboxProcesses: (id: string) => `/sandboxes/${encodeURIComponent(id)}/processes`,
  /** `search` is a query string without the question mark. */
  operations: (search = '') => (search === '' ? '/operations' : `/operations?${search}`),
  /** `search` is a query string without the question mark. */
  access: (search = '') => (search === '' ? '/operations/access' : `/operations/access?${search}`),
  operation: (id: string) => `/operations/${encodeURIComponent(id)}`,
} as const;
