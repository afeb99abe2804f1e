// @ts-check
/** Every variable that configures Sandkeeper or the Moru SDK. */
const names = [
  'PORT',
  'HOST',
  'DATABASE_URL',
  'SANDKEEPER_DATA_DIR',
  'SANDKEEPER_ENGINE_PORT',
  'SANDKEEPER_ENGINE_URL',
  'SANDKEEPER_ENGINE_KEY',
  'SANDKEEPER_SIGN_IN_TOKEN',
  'SANDKEEPER_URL',
  'MORU_API_KEY',
  'MORU_ACCESS_TOKEN',
  'MORU_API_URL',
  'MORU_DOMAIN',
  'MORU_SANDBOX_URL',
  'MORU_DEBUG',
  'SANDKEEPER_PROTECTED_KEY',
  'SANDKEEPER_CANCEL_WINDOW_SECONDS',
  'SANDKEEPER_BULK_LIMIT',
  'SANDKEEPER_MAX_CONCURRENCY',
  'SANDKEEPER_KEEP_OPERATIONS_DAYS',
  'SANDKEEPER_ARCHIVE_DIR',
  'SANDKEEPER_ARCHIVE_LIMIT_GB',
  'SANDKEEPER_EXPORT_DIR',
  'SANDKEEPER_EXPORT_LIMIT_GB',
  'SANDKEEPER_CONSOLES_PER_SANDBOX',
  'SANDKEEPER_CONSOLES_PER_PERSON',
  'SANDKEEPER_CONSOLES',
  'SANDKEEPER_CONSOLE_IDLE_MINUTES',
  'SANDKEEPER_CONSOLE_MAX_HOURS',
  'SANDKEEPER_READ_PAUSE_MS',
  'SANDKEEPER_PUBLISH_MS',
  'SANDKEEPER_WAKE_GRACE_MS',
  'SANDKEEPER_RETRY_MS',
];

/**
 * All settings, as empty strings. Tests and benchmarks kill sandboxes and must never use a real key from the shell or from
 * `.env`. Empty, because Next.js reads an unset variable from `.env`.
 * @returns {Record<string, string>}
 */
export function emptySettings() {
  return Object.fromEntries(names.map((name) => [name, '']));
}
