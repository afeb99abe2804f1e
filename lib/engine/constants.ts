/** Version of this engine, shown in its status. */
export const ENGINE_VERSION = '0.1.0';
/**
 * What the SDKs gate features on (docs/protocol.md#envd-version-gates): from 0.4.0 on they send no user when none was
 * given.
 */
export const ENVD_VERSION = '0.4.3';
/** A constant that only old clients read (docs/protocol.md#sandbox-ids). */
export const CLIENT_ID = '6532622b';
/** Deadline of a sandbox whose caller named none (docs/protocol.md#timeouts). */
export const DEFAULT_TIMEOUT_S = 15;
/** Largest control-plane body. */
export const BODY_LIMIT_BYTES = 1024 * 1024;
