import 'server-only';
import { type ConnectionFields, SERVICES } from '../connection';
import type { SandkeeperError } from '../errors';
import { statusOf, WebPageAnswer } from '../sandbox-api/errors';

/** Codes of Node.js and OpenSSL, and what they say about an address. */
const REASONS: readonly { codes: RegExp; explain: (url: URL) => string }[] = [
  {
    codes: /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/,
    explain: ({ hostname }) => `There is no host named ${hostname}. Check the spelling of the API address.`,
  },
  {
    codes: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    explain: ({ host }) =>
      `${host} closes the connection without an answer. Check the port, and whether a firewall or proxy is in the way.`,
  },
  {
    codes: /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/,
    explain: ({ host }) =>
      `Nothing answers at ${host}. Check the address and its port, and whether the server of Sandkeeper may reach it.`,
  },
  {
    codes: /^(EPROTO|ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|RECORD_LAYER))/,
    explain: ({ host }) => `${host} does not speak TLS. Enter an address that begins with http://.`,
  },
  {
    codes: /^(EPROTO|ERR_SSL_)/,
    explain: ({ host }) =>
      `${host} and Sandkeeper find no version of TLS that both speak. Enter an address that offers TLS 1.2 or later.`,
  },
  {
    codes: /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/,
    explain: ({ host }) =>
      `The certificate of ${host} has expired or is not valid yet. Have it renewed, and check the clock of the server of Sandkeeper.`,
  },
  {
    codes: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED|CERT_CHAIN)/,
    explain: ({ host }) =>
      `The certificate of ${host} is not from an authority that Sandkeeper trusts. Use one from a public authority, or start Sandkeeper with NODE_EXTRA_CA_CERTS set to the file of your own.`,
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME/,
    explain: ({ hostname }) =>
      `The certificate is for other names than ${hostname}. Enter the name that the certificate is for.`,
  },
  {
    codes: /CERT|SIGNATURE|^ERR_TLS_/,
    explain: ({ host }) => `The certificate of ${host} is not valid. Have it replaced at the service.`,
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

/** For an http address whose server speaks TLS. It answers with an error, or not at all. */
export function explainTls({ apiUrl }: ConnectionFields): string {
  return `${new URL(apiUrl).host} speaks TLS. Enter an address that begins with https://.`;
}

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
  if (error.cause instanceof WebPageAnswer)
    return `${url.host} answers with a web page, as a website does. Enter the address of the API, such as https://api.e2b.app.`;
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
