import { failRequestInScope } from './request-scope';

type CrashGuardOptions = {
  warn(message: string): void;
  /** Called once, when errors come too fast for the engine to be of use. */
  giveUp(): void;
  maxErrors?: number;
  withinMs?: number;
};

/**
 * Returns the handler of errors that no other handler caught. It logs the error, answers the request that caused it with a
 * 500 and lets the engine go on: ending would kill every process in every sandbox.
 */
export function createCrashGuard({
  warn,
  giveUp,
  maxErrors = 20,
  withinMs = 10_000,
}: CrashGuardOptions): (error: unknown) => void {
  let recentMs: number[] = [];
  return (error) => {
    warn(`Unexpected error, the engine goes on: ${error instanceof Error ? error.stack : String(error)}`);
    failRequestInScope();
    const now = performance.now();
    recentMs = [...recentMs.filter((atMs) => now - atMs < withinMs), now];
    if (recentMs.length === maxErrors) giveUp();
  };
}
