import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

/** A row of the fake service, as its list and its detail show it. */
export type FakeRow = { sandboxID: string } & Record<string, unknown>;

export type FakeService = {
  /** The rows of the list, latest start first. */
  rows: FakeRow[];
  /** What the detail of a sandbox says differently from the list. */
  details: Map<string, Record<string, unknown>>;
  pageSize: number;
  /** How far the service's clock is ahead of ours, ms. */
  aheadMs: number;
  /** Answers a request itself if it returns true. */
  answer: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** The requests so far, as method and path. */
  requests: { atMs: number; line: string; body: string }[];
  reset: () => void;
};

/** A running sandbox. */
export function fakeRow(sandboxID: string, changes: Record<string, unknown> = {}): FakeRow {
  const nowMs = Date.now();
  return {
    sandboxID,
    templateID: 'base',
    clientID: 'c',
    state: 'running',
    startedAt: new Date(nowMs - 3_600_000).toISOString(),
    endAt: new Date(nowMs + 3_600_000).toISOString(),
    cpuCount: 2,
    memoryMB: 512,
    diskSizeMB: 1_024,
    envdVersion: '0.4.3',
    ...changes,
  };
}

/**
 * Serves the routes of sandboxes from memory and sets the service as the one of this file, for answers that no engine gives.
 * Call after `setUpDataDir`.
 */
export function setUpFakeService(): FakeService {
  const service: FakeService = {
    rows: [],
    details: new Map(),
    pageSize: 100,
    aheadMs: 0,
    answer: () => false,
    requests: [],
    reset() {
      Object.assign(service, {
        rows: [],
        details: new Map(),
        pageSize: 100,
        aheadMs: 0,
        answer: () => false,
      });
      service.requests = [];
    },
  };
  const server = createServer((request, response) => {
    response.setHeader('date', new Date(Date.now() + service.aheadMs).toUTCString());
    void textOf(request).then((body) => serve(request, response, body));
  });
  const serve = (request: IncomingMessage, response: ServerResponse, body: string) => {
    service.requests.push({
      atMs: Date.now(),
      line: `${request.method} ${request.url?.split('?')[0]}`,
      body,
    });
    if (!service.answer(request, response)) answer(service, request, response, body);
  };
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    process.env.SANDKEEPER_ENGINE_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    process.env.SANDKEEPER_ENGINE_KEY = `moru_${'0'.repeat(40)}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return service;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function answer(
  service: FakeService,
  request: IncomingMessage,
  response: ServerResponse,
  sent: string,
): void {
  const [status, body, headers] = answerOf(service, request, sent);
  reply(response, status, body, headers);
}

type Answer = [status: number, body: unknown, headers?: Record<string, string>];

function answerOf(service: FakeService, request: IncomingMessage, sent: string): Answer {
  const url = new URL(request.url ?? '/', 'http://service');
  const [, first, id, act] = url.pathname.split('/');
  if (url.pathname === '/v2/sandboxes') {
    const from = Number(url.searchParams.get('nextToken') ?? 0);
    const end = from + service.pageSize;
    const page = service.rows.slice(from, end);
    return end < service.rows.length ? [200, page, { 'x-next-token': String(end) }] : [200, page];
  }
  if (url.pathname === '/engine/status') return [200, { maxRunning: 100 }];
  const row = first === 'sandboxes' ? service.rows.find(({ sandboxID }) => sandboxID === id) : undefined;
  if (row === undefined) return [404, { code: 404, message: 'not found' }];
  if (request.method === 'GET') return [200, { ...row, ...service.details.get(row.sandboxID) }];
  if (request.method === 'DELETE') service.rows = service.rows.filter((one) => one !== row);
  if (act === 'timeout')
    row.endAt = new Date(Date.now() + service.aheadMs + JSON.parse(sent).timeout * 1_000).toISOString();
  if (act === 'pause') row.state = 'paused';
  if (act === 'resume') row.state = 'running';
  return [204, null];
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(status === 204 ? '' : JSON.stringify(body));
}
