/** How many random cases a property tries: `full` under `npm run test:long`, a fifth otherwise. */
export function runs(full: number): number {
  return process.env.TEST_LONG ? full : Math.ceil(full / 5);
}

/**
 * The shortest time of `attempt`, which returns its own, ms. Tries again while it is `limitMs` or more: on a busy machine any
 * single attempt may be delayed, but a wait that is part of the work delays all of them.
 */
export async function bestTimeMs(limitMs: number, attempt: () => number | Promise<number>): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let attempts = 0; attempts < 8 && bestMs >= limitMs; attempts += 1)
    bestMs = Math.min(bestMs, await attempt());
  return bestMs;
}
