/** Random choices that a seed repeats, for tests that print theirs. */
export type Random = {
  /** A number from 0 to 1. */
  next: () => number;
  below: (limit: number) => number;
  /** One of `choices`, of which there is at least one. */
  of: <T>(choices: readonly T[]) => T;
  /** Fewer than `limit` bytes. */
  bytes: (limit: number) => Buffer;
};

/** The generator mulberry32. */
export function randomFrom(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    of: (choices) => choices[below(choices.length)] as (typeof choices)[number],
    bytes: (limit) => Buffer.from(Array.from({ length: below(limit) }, () => below(256))),
  };
}
