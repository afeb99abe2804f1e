// @ts-check
/**
 * What the engine takes from the environment: where programs and certificates are, the language and the time zone, and its
 * own settings. All else stays away from it, above all the sign-in token and the keys of other services: it runs foreign code.
 */
const KEPT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|LANG|LANGUAGE|LC_\w+|TZ|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|NODE_ENV|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|LD_LIBRARY_PATH|XDG_\w+)$/;
const OWN_SETTINGS = new Set(['SANDKEEPER_ENGINE_KEY', 'SANDKEEPER_ENGINE_PORT', 'SANDKEEPER_DATA_DIR']);

/** @param {NodeJS.ProcessEnv} environment @returns {NodeJS.ProcessEnv} */
export function engineEnvironment(environment) {
  const kept = { ...environment };
  for (const name of Object.keys(kept)) if (!KEPT.test(name) && !OWN_SETTINGS.has(name)) delete kept[name];
  return kept;
}
