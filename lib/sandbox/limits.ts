/** The longest time anybody may ask for, in ms. What a service grants is often less. */
export const MAX_TIMEOUT_MS = 31 * 24 * 60 * 60 * 1000;

/**
 * `i` and twenty lower-case letters or digits; other services use other alphabets, so only the characters are fixed.
 * See docs/protocol.md#sandbox-ids.
 */
export const SANDBOX_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
