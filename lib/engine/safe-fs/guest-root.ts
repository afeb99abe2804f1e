export type GuestUser = {
  readonly name: string;
  /** Inside the sandbox, as is `gid`. */
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** On the host. Default: those of the sandbox's files. */
  readonly host?: { readonly uid: number; readonly gid: number };
};

export type GuestRoot = {
  /** Absolute host path of the sandbox's `/`. */
  readonly rootDir: string;
  /** Host uid of the sandbox's files; the engine's own if it is not root. */
  readonly uid: number;
  readonly gid: number;
  readonly users: readonly GuestUser[];
  /** The host ids of new files. Default: `uid` and `gid`. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The host ids of `root` inside; null if it is only another name of the sandbox's user. Default: null. */
  readonly rootIds?: { readonly uid: number; readonly gid: number } | null;
  /**
   * Host directories that the sandbox sees read-only: host path by name in `/`, such as `{ usr: '/usr' }`. Only
   * world-readable entries are visible. Default: none.
   */
  readonly sharedDirs?: Readonly<Record<string, string>>;
  /** Names in `/` whose content exists only inside the running sandbox, such as `proc`. Default: none. */
  readonly liveDirs?: ReadonlySet<string>;
};
