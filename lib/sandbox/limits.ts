/** The longest timeout that can be requested. Services often allow less. */
export const MAX_TIMEOUT_MS = 31 * 24 * 60 * 60 * 1000;

/**
 * Up to this many sandboxes are read one by one, which is faster than listing a large fleet. It is also the most that one
 * operation may have while the list of the service does not end.
 */
export const MAX_READ_ONE_BY_ONE = 10;
