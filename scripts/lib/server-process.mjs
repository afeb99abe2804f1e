// @ts-check
/**
 * The server, whose memory is for the most part bytes of files on their way through, as arguments for Node.js. V8 takes a
 * server that has waited a while for one that should shrink, and from then on marks its whole heap for every 64 MB that
 * pass, which costs more than passing them.
 * @type {readonly string[]}
 */
export const serverProgram = ['--no-memory-reducer', 'server.mjs'];

/**
 * And its environment. Memory that glibc gives back as soon as it is free is the same that the next 64 MB ask for again, page
 * by page; saying so ends that glibc learns which pieces are large, so that is said, too. Elsewhere this means nothing.
 * @type {Readonly<Record<string, string>>}
 */
export const serverMemory = {
  MALLOC_TRIM_THRESHOLD_: String(128 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(4 * 1024 * 1024),
};
