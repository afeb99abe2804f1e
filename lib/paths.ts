/** Every address of ours, in one place. */
export const paths = {
  signIn: () => '/sign-in',
  sandboxes: () => '/sandboxes',
  sandbox: (id: string) => `/sandboxes/${encodeURIComponent(id)}`,
  /** Its files; what is shown is named by absolute paths in the sandbox. */
  sandboxFiles: (id: string, shown: { path?: string; file?: string } = {}) => {
    const search = new URLSearchParams(shown).toString();
    return `/sandboxes/${encodeURIComponent(id)}/files${search === '' ? '' : `?${search}`}`;
  },
  /** Its consoles; with an id that one. */
  sandboxConsole: (id: string, consoleId?: string) =>
    `/sandboxes/${encodeURIComponent(id)}/console${consoleId === undefined ? '' : `?${new URLSearchParams({ console: consoleId })}`}`,
  /** Commands in it; `run` is the operation whose output is shown. */
  sandboxRun: (id: string, run?: string) =>
    `/sandboxes/${encodeURIComponent(id)}/run${run === undefined ? '' : `?run=${encodeURIComponent(run)}`}`,
  sandboxProcesses: (id: string) => `/sandboxes/${encodeURIComponent(id)}/processes`,
  /** The record of operations; the search is what narrows it, without its question mark. */
  operations: (search = '') => (search === '' ? '/operations' : `/operations?${search}`),
  /** The record of access, likewise. */
  access: (search = '') => (search === '' ? '/operations/access' : `/operations/access?${search}`),
  operation: (id: string) => `/operations/${encodeURIComponent(id)}`,
} as const;
