/** The longest timeout that can be requested. Services often allow less. */
export const MAX_TIMEOUT_MS = 31 * 24 * 60 * 60 * 1000;

/** Not stricter, because services use different alphabets. See docs/protocol.md#sandbox-ids. */
export const SANDBOX_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
