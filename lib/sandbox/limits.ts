/** The longest time anybody may ask for, in ms. What a service grants is often less. */
export const MOST_TIMEOUT_MS = 31 * 24 * 60 * 60 * 1000;
