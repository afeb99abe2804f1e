/** Someone that a request can act as inside a sandbox, as its passwd file names them. */
export type GuestUser = {
  readonly name: string;
  /** As seen inside. */
  readonly uid: number;
  /** As seen inside. */
  readonly gid: number;
  /** Absolute path inside the sandbox. */
  readonly home: string;
};

/** The files of one sandbox as the host sees them, ready to be walked. */
export type GuestRoot = {
  /** Absolute path on the host of what is `/` inside. */
  readonly rootDir: string;
  /** Owner, on the host, of everything that belongs to the sandbox's user. The engine's own when it is not root. */
  readonly uid: number;
  /** Group, on the host, that goes with `uid`. */
  readonly gid: number;
  readonly users: readonly GuestUser[];
  /**
   * Directories of the host that a sandbox sees without being able to change them, such as `{ usr: '/usr' }`: host path
   * by name in `/`. Only what everybody may read there is shown. Default: none.
   */
  readonly sharedDirs?: Readonly<Record<string, string>>;
};
