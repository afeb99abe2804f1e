/** What `server.mjs` and the start script need before Next.js is there. Bundled on its own by `npm run build`. */
import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contentSecurityPolicy, newNonce, securityHeaders } from './access/headers';
import { isOwnHost } from './access/origin';
import type { Config } from './config';

// biome-ignore lint/performance/noBarrelFile: this file is the surface of a bundle.
export { readConfig } from './config';

/**
 * Puts the security headers on an answer and turns away requests for a host that is not ours.
 * Answers whether the request may go on. Call before anything else sees the request.
 */
export function admit(
  config: Config,
  req: IncomingMessage,
  res: ServerResponse,
  { dev }: { dev: boolean },
): boolean {
  for (const [name, value] of Object.entries(
    securityHeaders({ https: config.publicOrigin?.startsWith('https:') ?? false }),
  )) {
    res.setHeader(name, value);
  }
  const { host } = req.headers;
  if (host === undefined || !isOwnHost(config, host)) {
    res.writeHead(421, {
      'content-type': 'text/plain; charset=utf-8',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    res.end(
      'This host name is not one Sandkeeper answers to. Use the address it printed at start, or set SANDKEEPER_URL.\n',
    );
    return false;
  }
  const policy = contentSecurityPolicy({ nonce: newNonce(), host, dev });
  res.setHeader('content-security-policy', policy);
  // Next.js takes the nonce for its own scripts from the request.
  req.headers['content-security-policy'] = policy;
  // Next.js believes these over `Host` when it compares origins; only our own configuration says where we are.
  for (const name of ['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'forwarded'])
    delete req.headers[name];
  return true;
}
