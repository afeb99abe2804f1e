export type GuestUser = {
  readonly name: string;
  /** Inside the sandbox, as is `gid`. */
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
};

export type GuestRoot = {
  /** Absolute host path of the sandbox's `/`. */
  readonly rootDir: string;
  /** Host uid of the sandbox's files; the engine's own if it is not root. */
  readonly uid: number;
  readonly gid: number;
  readonly users: readonly GuestUser[];
  /**
   * Host directories that the sandbox sees read-only: host path by name in `/`, such as `{ usr: '/usr' }`. Only
   * world-readable entries are visible. Default: none.
   */
  readonly sharedDirs?: Readonly<Record<string, string>>;
  /** Names in `/` whose content exists only inside the running sandbox, such as `proc`. Default: none. */
  readonly liveDirs?: ReadonlySet<string>;
};
