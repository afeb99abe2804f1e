/** How a process ended (docs/protocol.md#envd-end-of-a-process). */
export type ExitStatus = {
  readonly exitCode: number;
  readonly exited: boolean;
  readonly status: string;
  /** Set unless the exit code is 0. */
  readonly error?: string;
};

const SIGNAL_TEXT: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
  SIGXCPU: 'CPU time limit exceeded',
  SIGXFSZ: 'file size limit exceeded',
};

/** @param code null if `signal` ended the process */
export function toExitStatus(code: number | null, signal: string | null): ExitStatus {
  if (code === null) {
    const name = signal ?? 'unknown';
    // The name comes from the sandbox.
    const status = `signal: ${Object.hasOwn(SIGNAL_TEXT, name) ? SIGNAL_TEXT[name] : name}`;
    return { exitCode: -1, exited: false, status, error: status };
  }
  const status = `exit status ${code}`;
  return code === 0
    ? { exitCode: 0, exited: true, status }
    : { exitCode: code, exited: true, status, error: status };
}

/** For processes that ended with their sandbox. */
export const KILLED: ExitStatus = toExitStatus(null, 'SIGKILL');
