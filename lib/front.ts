/** What `server.mjs` and `npm start` need before Next.js is loaded. `npm run build` bundles it separately. */
import 'server-only';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contentSecurityPolicy, newNonce, securityHeaders } from './access/headers';
import { isOwnHost } from './access/origin';
import type { Config } from './config';

// biome-ignore lint/performance/noBarrelFile: this file is the surface of a bundle.
export { readConfig } from './config';

/**
 * Sets the security headers and rejects requests for another host. Returns whether to handle the request further. Call it
 * before any other handler.
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
      'Sandkeeper does not serve this host name. Use the address it printed at start, or set SANDKEEPER_URL.\n',
    );
    return false;
  }
  const policy = contentSecurityPolicy({ nonce: newNonce(), host, dev });
  res.setHeader('content-security-policy', policy);
  // Next.js reads the nonce for its own scripts from the request.
  req.headers['content-security-policy'] = policy;
  // Next.js prefers these to `Host` when it compares origins. Only our configuration defines our origin.
  for (const name of ['x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port', 'forwarded'])
    delete req.headers[name];
  return true;
}
