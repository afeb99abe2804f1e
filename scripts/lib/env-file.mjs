// @ts-check
import fs from 'node:fs';

/** `NAME=value` with an optional `export`; a quoted value may span lines; ` #` starts a comment after a bare value. */
const assignment =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:"((?:\\.|[^"\\])*)"|'([^']*)'|([^\r\n]*?))[ \t]*(?:(?<=[ \t"'=])#[^\r\n]*)?$/gms;

/** @type {Record<string, string>} */
const escapes = { n: '\n', r: '\r', t: '\t' };

/**
 * Parses the text of a `.env` file. Node.js has a parser only since 20.12.
 * @param {string} text
 * @returns {Record<string, string>}
 */
export function parseEnv(text) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const [, name = '', double, single, bare = ''] of text.replace(/^\uFEFF/, '').matchAll(assignment)) {
    values[name] = double?.replace(/\\(.)/gs, (_, char) => escapes[char] ?? char) ?? single ?? bare;
  }
  return values;
}

/**
 * Adds the values of a `.env` file to the environment. Variables that are set win, and empty values are skipped.
 * @param {string} file
 * @param {NodeJS.ProcessEnv} [env]
 */
export function loadEnvFile(file, env = process.env) {
  if (!fs.existsSync(file)) return;
  for (const [name, value] of Object.entries(parseEnv(fs.readFileSync(file, 'utf8')))) {
    if (value !== '' && env[name] === undefined) env[name] = value;
  }
}
