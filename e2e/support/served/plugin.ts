import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { relative } from 'node:path';
import { parseCookie } from 'cookie';
import type { Plugin } from 'vite';
import { root } from '../../../scripts/lib/paths.mjs';
import { choosePort, served } from './server-state.ts';
import { addToWire, isCut } from './wires.ts';

const MANIFEST = '.next/server/server-reference-manifest.json';
const SERVER_MODULE = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/.*\n)*'use server'/;

type Manifest = { node: Record<string, { exportedName: string; filename: string }> };

/**
 * Serves browser tests of components the way the product serves its pages: requests to `/api` and `/live` go to a running
 * Sandkeeper, and a server action becomes a request for the action of the same name in the build.
 */
export async function servedBySandkeeper(): Promise<Plugin> {
  const origin = `http://127.0.0.1:${await choosePort()}`;
  return {
    name: 'served-by-sandkeeper',
    enforce: 'pre',
    config: () => ({
      resolve: { alias: { 'next/link': `${root}/e2e/support/served/link.tsx` } },
      optimizeDeps: { include: ['next/dist/compiled/react-server-dom-webpack/client.browser'] },
      server: {
        proxy: {
          '^/(api/|live$|sandboxes\\?action)': {
            target: origin,
            changeOrigin: true,
            ws: true,
            configure: (proxy) => {
              const sign = (request: ClientRequest, { headers }: IncomingMessage) => {
                request.setHeader('origin', origin);
                request.setHeader('cookie', sessionFor(headers.cookie));
              };
              proxy.on('proxyReq', (request, incoming) => {
                sign(request, incoming);
                if (isCut(wireOf(incoming))) incoming.socket.destroy();
              });
              proxy.on('proxyReqWs', (request, incoming, socket) => {
                sign(request, incoming);
                addToWire(wireOf(incoming), socket as Socket);
              });
            },
          },
        },
      },
    }),
    transform(code, id) {
      if (!SERVER_MODULE.test(code)) return null;
      return { code: actionStubs(relative(root, id.split('?')[0] ?? id)), map: null };
    },
  };
}

/** The name of the wire that a test has chosen with a cookie. */
function wireOf({ headers }: IncomingMessage): string | undefined {
  return parseCookie(headers.cookie ?? '').wire;
}

/** A test chooses its role with a cookie. */
function sessionFor(cookies = ''): string {
  const { sandkeeper, sessions } = served();
  const role = parseCookie(cookies).role;
  return `${sandkeeper.sessionCookieName}=${role === 'viewer' || role === 'operator' ? sessions[role] : sessions.admin}`;
}

function actionStubs(file: string): string {
  const { node } = JSON.parse(readFileSync(`${root}/${MANIFEST}`, 'utf8')) as Manifest;
  const actions = Object.entries(node).filter(([, { filename }]) => filename === file);
  if (actions.length === 0) throw new Error(`The build has no actions of ${file}. Build it first.`);
  return [
    `import { callAction } from '/e2e/support/served/actions.ts';`,
    ...actions.map(
      ([id, { exportedName }]) => `export const ${exportedName} = (...args) => callAction('${id}', args);`,
    ),
  ].join('\n');
}
