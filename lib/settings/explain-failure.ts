import 'server-only';
import { type ConnectionFields, SERVICES } from '../connection';
import type { SandkeeperError } from '../errors';
import { statusOf } from '../sandbox-api/errors';

/** Codes of Node.js and OpenSSL, and what they say about an address. */
const REASONS: readonly { codes: RegExp; explain: (url: URL) => string }[] = [
  {
    codes: /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/,
    explain: ({ hostname }) => `There is no host named ${hostname}. Check the spelling of the API address.`,
  },
  {
    codes: /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EPIPE|UND_ERR_SOCKET)$/,
    explain: ({ host }) =>
      `Nothing answers at ${host}. Check the address and its port, and whether the server of Sandkeeper may reach it.`,
  },
  {
    codes: /^(EPROTO|ERR_SSL_)/,
    explain: ({ host }) => `${host} does not speak TLS. Enter an address that begins with http://.`,
  },
  {
    codes: /CERT|SIGNATURE|^ERR_TLS_/,
    explain: ({ host }) =>
      `The certificate of ${host} is not valid for it. Enter the name that the certificate is for, or have it renewed.`,
  },
  {
    codes: /^HPE_/,
    explain: ({ host }) =>
      `${host} does not answer in HTTP. Check the port, and whether the address begins with https://.`,
  },
  {
    codes: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    explain: ({ host }) =>
      `${host} did not answer in time. Check the address, and whether a firewall is in the way.`,
  },
];

/** A sentence about a failed test: what is wrong, and what would be right. */
export function explainFailure(error: SandkeeperError, fields: ConnectionFields): string {
  const words = error.words === undefined ? '' : ` The service says: “${error.words}”.`;
  return `${sentenceFor(error, fields)}${words}`;
}

function sentenceFor(error: SandkeeperError, { kind, apiUrl }: ConnectionFields): string {
  const url = new URL(apiUrl);
  const status = statusOf(error);
  if (error.code === 'unauthenticated') {
    const { keyPrefix } = SERVICES[kind];
    const form = keyPrefix === undefined ? '' : ` It begins with ${keyPrefix}.`;
    return `${url.host} refuses this API key. Copy the whole key again from the service.${form}`;
  }
  if (error.code === 'forbidden')
    return `${url.host} does not let this API key list sandboxes. Use a key that may read them.`;
  if (error.code === 'rate_limited') return `${url.host} received too many requests. Test again in a minute.`;
  if (error.code === 'timeout')
    return `${url.host} did not answer in time. Check the address, and whether a firewall is in the way.`;
  if (status === 404)
    return `There is no sandbox API at ${apiUrl}. Enter the address of the API, such as https://api.e2b.app.`;
  if (typeof status === 'number' && status >= 300 && status < 400)
    return `${url.host} redirects to another address. Enter that address instead.`;
  if (error.code === 'unexpected')
    return `${url.host} answers, but not with a list of sandboxes. Enter the address of the API, such as https://api.e2b.app.`;
  if (error.code === 'unavailable' && status === null) {
    const code = networkCodeIn(error);
    const reason = REASONS.find(({ codes }) => codes.test(code));
    return reason?.explain(url) ?? `${url.host} cannot be reached. Check the API address.`;
  }
  if (typeof status === 'number')
    return `${url.host} answered ${status}. Check the API address, or test again later.`;
  return error.message;
}

const MAX_CAUSES = 6;

function networkCodeIn(error: unknown): string {
  for (let depth = 0; error instanceof Error && depth < MAX_CAUSES; depth += 1) {
    if ('code' in error && typeof error.code === 'string' && !(depth === 0)) return error.code;
    error = error instanceof AggregateError ? error.errors[0] : error.cause;
  }
  return '';
}
