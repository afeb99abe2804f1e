import 'server-only';
import type { Config } from './config';
import { hostInUrl, isWildcard } from './http/host';

const WEAK_BITS = 40;
const COMMON_WORDS =
  /sandkeeper|sandbox|passwor[dt]|passwd|change-?me|secret|token|admin|letmein|welcome|default|example|qwert[yz]|asdf|test|demo|1234567890|abcdef/gi;

/** What is allowed but unsafe in a configuration, one sentence each. Shown at every start. */
export function warningsOf(config: Config): string[] {
  const { publicOrigin, host, port, signIn, connections } = config;
  const warnings: string[] = [];
  const origin = publicOrigin ?? (isWildcard(host) ? null : `http://${hostInUrl(host)}:${port}`);
  if (origin !== null && isPlainHttp(origin)) {
    warnings.push(
      `People reach Sandkeeper at ${origin} without encryption: everybody on the way can read sign-in tokens, sessions and files. Put a proxy with https before it, and set SANDKEEPER_URL to its https address.`,
    );
  }
  const { token } = signIn;
  if (token !== undefined && !signIn.hasLink) {
    warnings.push(
      'SANDKEEPER_SIGN_IN_TOKEN is set, but SANDKEEPER_SIGN_IN_LINK is off: the token signs nobody in.',
    );
  } else if (token !== undefined && guessingBits(token) < WEAK_BITS) {
    warnings.push(
      'SANDKEEPER_SIGN_IN_TOKEN is easy to guess, and whoever has it is an admin. Use a random one, such as the output of: openssl rand -base64 24',
    );
  } else if (token !== undefined) {
    warnings.push(
      'SANDKEEPER_SIGN_IN_TOKEN is set: whoever has it signs in as an admin, at any time. It is meant for automation. People sign in with the link, which works once.',
    );
  }
  for (const { name, apiUrl, sandboxUrl } of connections) {
    for (const url of [apiUrl, sandboxUrl]) {
      if (url !== null && isPlainHttp(url)) {
        warnings.push(
          `The connection ${name} uses ${url}, a plain http address: everybody on the way can read the API key. Use https.`,
        );
      }
    }
  }
  for (const { name, domain } of connections) {
    if (domain === undefined || publicOrigin === undefined) continue;
    const site = sharedSite(new URL(publicOrigin).hostname, domain.replace(/:\d+$/, ''));
    if (site === null) continue;
    warnings.push(
      `The connection ${name} serves sandboxes under ${domain}, and people reach Sandkeeper at ${publicOrigin}: both belong to ${site}, so a page in a sandbox counts as the same site and can set cookies for it. Serve Sandkeeper under another domain.`,
    );
  }
  return warnings;
}

/** Second levels under which organisations register, as in `example.co.uk`. */
const SHARED_LEVELS: ReadonlySet<string> = new Set(['ac', 'co', 'com', 'edu', 'gov', 'net', 'or', 'org']);

/** The registered domain that two hosts have in common, or `null`. Close enough for a warning. */
function sharedSite(one: string, other: string): string | null {
  const site = siteOf(one);
  return site !== null && site === siteOf(other) ? site : null;
}

function siteOf(host: string): string | null {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.');
  if (labels.length < 2 || /^\d+$/.test(labels.at(-1) ?? '') || host.startsWith('[')) return null;
  const isShared = labels.at(-1)?.length === 2 && SHARED_LEVELS.has(labels.at(-2) ?? '');
  const needed = isShared ? 3 : 2;
  return labels.length < needed ? null : labels.slice(-needed).join('.');
}

/** Whether requests to `url` leave this machine unencrypted. */
function isPlainHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  const isLocal = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return protocol === 'http:' && !isLocal;
}

/** About how many bits a guesser needs. Common words, repetitions and sequences count as one character. */
export function guessingBits(token: string): number {
  const rest = token.replace(COMMON_WORDS, 'a');
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z\d]/];
  const alphabet = /^[\da-f]*$/.test(rest) ? 16 : sizeOf(rest, kinds);
  let surprising = 0;
  const seen = new Map<string, number>();
  for (const [index, character] of [...rest].entries()) {
    const step = rest.charCodeAt(index) - rest.charCodeAt(index - 1);
    const isSequence = index > 0 && Math.abs(step) <= 1;
    const uses = (seen.get(character) ?? 0) + 1;
    seen.set(character, uses);
    if (!isSequence && uses <= 3) surprising += 1;
    else if (!isSequence) surprising += 0.5;
  }
  return surprising * Math.log2(Math.min(alphabet, Math.max(2, seen.size * 2)));
}

function sizeOf(text: string, kinds: readonly RegExp[]): number {
  const sizes = [26, 26, 10, 33];
  return kinds.reduce((sum, kind, index) => sum + (kind.test(text) ? (sizes[index] ?? 0) : 0), 0);
}
