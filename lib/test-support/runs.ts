/** How many random cases a property tries: `full` under `npm run test:long`, a fifth otherwise. */
export function runs(full: number): number {
  return process.env.TEST_LONG ? full : Math.ceil(full / 5);
}
