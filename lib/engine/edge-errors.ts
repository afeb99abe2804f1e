import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { localOriginHeaders } from './cross-origin';
import { sendError } from './http';

/** Responses of the service's edge to requests that cannot reach a server (docs/protocol.md#edge-errors). */

type Target = { readonly sandboxId: string; readonly port?: number };

type EdgeError = {
  readonly status: number;
  readonly message: string;
  /** Title of the page, as the service has it. */
  readonly title: string;
  /** What has happened and what to do next, for a person. */
  readonly explain: (target: Target) => readonly [string, string];
};

const EDGE_ERRORS = {
  notFound: {
    status: 502,
    message: 'The sandbox was not found',
    title: 'Sandbox Not Found',
    explain: ({ sandboxId }) => [
      sandboxId === '' ? 'No running sandbox has this address.' : `Sandbox ${sandboxId} is not running.`,
      'It may be paused, or it was killed. Resume it and reload this page.',
    ],
  },
  portClosed: {
    status: 502,
    message: 'The sandbox is running but port is not open',
    title: 'Closed Port Error',
    explain: ({ sandboxId, port }) => [
      `Sandbox ${sandboxId} is running, but no server listens on port ${port}.`,
      'Start the server and reload this page.',
    ],
  },
  noPublicTraffic: {
    status: 403,
    message:
      'The sandbox accepts no public traffic. Send its traffic access token in the header e2b-traffic-access-token.',
    title: 'Missing Traffic Access Token',
    explain: ({ sandboxId }) => [
      `Sandbox ${sandboxId} accepts no public traffic.`,
      'Send its traffic access token in the header e2b-traffic-access-token.',
    ],
  },
} as const satisfies Record<string, EdgeError>;

const BROWSER = /mozilla|chrome|safari|firefox|edge|opera|msie/i;

/** Answers with a page if `User-Agent` looks like a browser, and with JSON otherwise. Local pages can read it. */
export function sendEdgeError(
  response: ServerResponse,
  kind: keyof typeof EDGE_ERRORS,
  target: Target,
  headers: OutgoingHttpHeaders = {},
): void {
  const error: EdgeError = EDGE_ERRORS[kind];
  const all = { ...localOriginHeaders(response.req), ...headers };
  if (!BROWSER.test(response.req.headers['user-agent'] ?? '')) {
    sendError(response, error.status, error.message, { extra: target, headers: all });
    return;
  }
  const page = Buffer.from(pageOf(error, target));
  response.writeHead(error.status, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': page.length,
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...all,
  });
  response.end(page);
}

const STYLE = `
:root { color-scheme: light dark; }
body { display: grid; place-content: center; min-height: 100vh; margin: 0; padding: 16px; box-sizing: border-box;
  font: 14px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 72ch; }
h1 { font-size: 18px; margin: 0 0 8px; }
p { margin: 0 0 8px; }`;

function pageOf({ title, explain }: EdgeError, target: Target): string {
  const [problem, next] = explain(target).map(escaped);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body><main><h1>${title}</h1><p>${problem}</p><p>${next}</p></main></body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
