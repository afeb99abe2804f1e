// @ts-check
/**
 * The arguments of Node.js for the server. Most of its memory is file content in transit. Without the flag, V8 tries to
 * shrink the heap of an idle server and then marks the whole heap for every 64 MB transferred, which costs more than the
 * transfer.
 * @type {readonly string[]}
 */
export const serverProgram = ['--no-memory-reducer', 'server.mjs'];

/**
 * The environment of the server. Stops glibc from returning memory that the next transfer requests again. Setting the trim
 * threshold turns off the dynamic mmap threshold, so that is set, too. Has no effect without glibc.
 * @type {Readonly<Record<string, string>>}
 */
export const serverMemory = {
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(4 * 1024 * 1024),
};
