import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { relative } from 'node:path';
import { parseCookie } from 'cookie';
import type { Connect, Plugin, ProxyOptions } from 'vite';
import { root } from '../../../scripts/lib/paths.mjs';
import { choosePort, served } from './server-state.ts';
import { addToWire, isCut } from './wires.ts';

const FLIGHT_CLIENT =
  'next/dist/compiled/react-server-dom-webpack/cjs/react-server-dom-webpack-client.browser.production';
const MANIFEST = '.next/server/server-reference-manifest.json';
const SERVER_MODULE = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/.*\n)*'use server'/;

type Manifest = { node: Record<string, { exportedName: string; filename: string }> };

/**
 * Serves browser tests of components the way the product serves its pages: requests to `/api` and `/live` and for pages go
 * to a running Sandkeeper, and a server action becomes a request for the action of the same name in the build.
 */
export async function servedBySandkeeper(): Promise<Plugin> {
  const origin = `http://127.0.0.1:${await choosePort()}`;
  const proxied: ProxyOptions = {
    target: origin,
    changeOrigin: true,
    configure: (proxy) => {
      const sign = (request: ClientRequest, { headers }: IncomingMessage) => {
        request.setHeader('origin', origin);
        request.setHeader('cookie', cookiesFor(headers.cookie));
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
  };
  return {
    name: 'served-by-sandkeeper',
    enforce: 'pre',
    config: () => ({
      define: { SERVED_MODULES: JSON.stringify(clientModules()) },
      resolve: { alias: { 'next/link': `${root}/e2e/support/served/link.tsx` } },
      optimizeDeps: { include: [FLIGHT_CLIENT] },
      server: {
        proxy: {
          '^/(api/|live$|sandboxes\\?action)': { ...proxied, ws: true },
          // Only a page as data: the HTML at these paths is the test's own.
          '^/(c/|sandboxes|operations|settings|sign-in)': {
            ...proxied,
            bypass: ({ headers, url }) => (headers.rsc === undefined ? url : undefined),
          },
        },
      },
    }),
    configureServer({ config, middlewares }) {
      // Nothing changes in a single run, and each test file loads all modules again.
      if (config.server.watch === null) middlewares.use(keepModules);
    },
    transform(code, id) {
      if (!SERVER_MODULE.test(code)) return null;
      return { code: actionStubs(relative(root, id.split('?')[0] ?? id)), map: null };
    },
  };
}

const MODULE = /^\/(app|components|lib|e2e|node_modules)\//;

/** Lets the browser keep modules from one test file to the next. */
const keepModules: Connect.NextHandleFunction = (request, response, next) => {
  if (MODULE.test(request.url ?? '')) {
    const setHeader = response.setHeader.bind(response);
    response.setHeader = (name, value) =>
      setHeader(name, name.toLowerCase() === 'cache-control' ? 'max-age=3600' : value);
  }
  next();
};

/** The name of the wire that a test has chosen with a cookie. */
function wireOf({ headers }: IncomingMessage): string | undefined {
  return parseCookie(headers.cookie ?? '').wire;
}

/** A test chooses its role with a cookie. */
function cookiesFor(cookies = ''): string {
  const { sandkeeper, sessions } = served();
  const { role } = parseCookie(cookies);
  const session = role === 'viewer' || role === 'operator' ? sessions[role] : sessions.admin;
  // Two session cookies are refused.
  const others = cookies.split('; ').filter((pair) => !pair.startsWith(`${sandkeeper.sessionCookieName}=`));
  return [...others, `${sandkeeper.sessionCookieName}=${session}`].join('; ');
}

type ClientManifest = { clientModules: Record<string, { id: number }> };

/** The files of the components that pages of the build refer to, by the id of their module. */
function clientModules(): Record<string, string> {
  const pages = `${root}/.next/server/app`;
  if (!existsSync(pages)) return {};
  const modules: Record<string, string> = {};
  for (const file of readdirSync(pages, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('page_client-reference-manifest.js')) continue;
    // One assignment of JSON.
    const text = readFileSync(`${pages}/${file}`, 'utf8');
    const manifest: ClientManifest = JSON.parse(text.slice(text.indexOf('] = ') + 4).replace(/;\s*$/, ''));
    for (const [path, { id }] of Object.entries(manifest.clientModules))
      modules[id] = path.replace('[project]/', '').replace(/ <.*>$/, '');
  }
  return modules;
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
