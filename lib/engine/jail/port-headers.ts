import { validateHeaderName, validateHeaderValue } from 'node:http';

/** Headers of a connection, not of a message. Node chooses its own. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that address or open the sandbox. The server inside has no use for them and must not learn them. */
const OURS = /^(x-api-key|x-access-token|(moru|e2b)-sandbox-(id|port)|(moru|e2b)-traffic-access-token)$/;
/** Cookies of the dashboard. Browsers send them to every port of a host. */
const OUR_COOKIE = /^(__host-|__secure-)?sandkeeper_/i;
const OUR_API_KEY = /^(moru|e2b)_[a-z0-9]{16,}$/i;

export type HeaderList = Record<string, string | string[]>;

/**
 * The headers of a request for a server inside a sandbox, capitalized as the service does (`X-Forwarded-For`). Leaves out
 * those of the connection and the caller's credentials for Sandkeeper, the sandbox service and envd. Credentials of the server
 * itself pass.
 * @param raw name and value in turn, as in `IncomingMessage.rawHeaders`
 * @param secrets tokens of the sandbox
 */
export function headersForServer(raw: readonly string[], secrets: readonly string[]): HeaderList {
  const headers = collect(raw, (name, value) => {
    if (OURS.test(name)) return null;
    if (name === 'authorization') return isOurCredential(value, secrets) ? null : value;
    return name === 'cookie' ? withoutOurCookies(value) : value;
  });
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonicalName(name), value]));
}

/** Each word with a capital, in which form some servers look for a header. */
function canonicalName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/**
 * The headers of a response of a server inside a sandbox. It must not set or clear the cookies of the dashboard, which may
 * share its host.
 */
export function headersForClient(raw: readonly string[]): HeaderList {
  const headers = collect(raw, (name, value) => {
    if (name === 'clear-site-data') return null;
    return name === 'set-cookie' && OUR_COOKIE.test(value.trim()) ? null : value;
  });
  const length = headers['content-length'];
  // Node counts the bytes against it, so only a plain number may pass.
  if (length !== undefined && !(typeof length === 'string' && /^\d{1,15}$/.test(length))) {
    delete headers['content-length'];
  }
  return headers;
}

/** Collects the valid headers for which `keep` returns a value. Never throws. */
function collect(raw: readonly string[], keep: (name: string, value: string) => string | null): HeaderList {
  const headers = new Map<string, string[]>();
  const named = namedByConnection(raw);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase();
    if (HOP_BY_HOP.has(name) || named.has(name)) continue;
    const value = keep(name, raw[index + 1] ?? '');
    if (value !== null && isValid(name, value)) headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  const list: HeaderList = Object.create(null) as HeaderList;
  for (const [name, values] of headers) list[name] = values.length === 1 ? (values[0] ?? '') : values;
  return list;
}

/** Headers that `Connection` declares as its own. */
function namedByConnection(raw: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    if (raw[index]?.toLowerCase() !== 'connection') continue;
    for (const name of raw[index + 1]?.split(',') ?? []) names.add(name.trim().toLowerCase());
  }
  return names;
}

function isValid(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function withoutOurCookies(value: string): string | null {
  const kept = value.split(';').filter((pair) => !OUR_COOKIE.test(pair.trim()));
  return kept.length > 0 ? kept.join(';').trim() : null;
}

function isOurCredential(value: string, secrets: readonly string[]): boolean {
  const [scheme = '', credential = ''] = value.trim().split(/\s+/, 2);
  const isOurs = (text: string) => OUR_API_KEY.test(text) || secrets.includes(text);
  if (scheme.toLowerCase() !== 'basic') return isOurs(credential) || isOurs(scheme);
  return Buffer.from(credential, 'base64').toString('utf8').split(':').some(isOurs);
}
