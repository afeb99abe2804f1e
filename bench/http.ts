/**
 * The HTTP client of lib/sandbox-api beside undici's `request`, on loopback: throughput, and the CPU time that this process
 * spends, which a busy machine distorts less. Reports ratios from interleaved rounds of one run, of undici to the present
 * client: above 1, undici has the higher throughput or spends more CPU time. Options: --rounds N, --requests N.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import { callConnect } from '../lib/sandbox-api/connect';
import { openDownload, openUpload } from '../lib/sandbox-api/transfer';
import { sendRequest } from '../lib/sandbox-api/transport';
import { report } from './support/report';

const { values: options } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '7' },
    requests: { type: 'string', default: '2000' },
  },
});

const MB = 2 ** 20;
const CONCURRENCY = 64;
const TRANSFER_BYTES = 256 * MB;
const CHUNK = Buffer.alloc(64 * 1024, 'x');
const SANDBOX = JSON.stringify({ sandboxID: 'i'.repeat(20), metadata: { text: 'x'.repeat(1_000) } });

if (options.serve) serve();
else await measure();

function serve(): void {
  const server = createServer(async (req, res) => {
    if (req.url?.startsWith('/files') && req.method === 'GET') return sendBytes(res);
    for await (const _ of req);
    res.writeHead(200, { 'content-type': 'application/json' }).end(SANDBOX);
  });
  const sendBytes = async (res: import('node:http').ServerResponse) => {
    res.writeHead(200, { 'content-length': TRANSFER_BYTES });
    for (let sent = 0; sent < TRANSFER_BYTES && !res.destroyed; sent += CHUNK.length)
      if (!res.write(CHUNK)) await once(res, 'drain');
    res.end();
  };
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.once('disconnect', () => process.exit());
}

async function measure(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['--serve']);
  const [port] = (await once(server, 'message')) as [number];
  const url = `http://127.0.0.1:${port}`;
  const endpoint = { baseUrl: url, headers: { 'x-access-token': 'token' } };
  const dispatcher = new Agent({
    keepAliveTimeout: 10_000,
    connections: 256,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  /** A signal of its own for every request, as the application passes. */
  const newSignal = () => new AbortController().signal;

  const getNow = async () => void (await (await sendRequest(new Request(`${url}/sandboxes/a`))).json());
  /** The same contract as `sendRequest`, which the SDK requires: a Request in, a Response out. */
  const getUndici = async () => {
    const input = new Request(`${url}/sandboxes/a`);
    const answer = await request(input.url, {
      dispatcher,
      method: 'GET',
      headers: Object.fromEntries(input.headers),
      signal: input.signal,
    });
    const body = await answer.body.arrayBuffer();
    const headers = Object.entries(answer.headers).map(([name, value]): [string, string] => [
      name,
      String(value),
    ]);
    await new Response(body, { status: answer.statusCode, headers }).json();
  };
  await compare(
    'control requests',
    'requests/s',
    () => costOfRequests(getNow),
    () => costOfRequests(getUndici),
  );

  const connectNow = async () =>
    void (await callConnect(endpoint, 'process.Process/List', {}, { signal: newSignal() }));
  const connectUndici = async () => {
    const answer = await request(`${url}/process.Process/List`, {
      dispatcher,
      method: 'POST',
      headers: { ...endpoint.headers, 'content-type': 'application/json', 'connect-protocol-version': '1' },
      body: '{}',
      signal: newSignal(),
    });
    await answer.body.json();
  };
  await compare(
    'envd requests',
    'requests/s',
    () => costOfRequests(connectNow),
    () => costOfRequests(connectUndici),
  );

  const order = { path: '/files', query: { path: '/a' }, signal: newSignal() };
  await compare(
    'download',
    'MB/s',
    () => costOfTransfer(async () => drain(await openDownload(endpoint, { ...order, method: 'GET' }))),
    () =>
      costOfTransfer(async () =>
        drain((await request(`${url}/files?path=/a`, { dispatcher, signal: newSignal() })).body),
      ),
  );
  await compare(
    'upload',
    'MB/s',
    () =>
      costOfTransfer(async () => drain(await openUpload(endpoint, { ...order, method: 'POST' }, chunks()))),
    () =>
      costOfTransfer(async () =>
        drain(
          (
            await request(`${url}/files`, {
              dispatcher,
              signal: newSignal(),
              method: 'POST',
              body: chunks() as never,
            })
          ).body,
        ),
      ),
  );
  await dispatcher.close();
  server.disconnect();
}

/** What one round costs: units per second, and CPU time per unit in µs. */
type Cost = { rate: number; cpuUs: number };

async function costOf(units: number, work: () => Promise<unknown>): Promise<Cost> {
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { rate: (units * 1_000) / (performance.now() - startedAtMs), cpuUs: (user + system) / units };
}

/** Sends the requests of a round, `CONCURRENCY` at a time. */
function costOfRequests(send: () => Promise<void>): Promise<Cost> {
  const total = Number(options.requests);
  let left = total;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  return costOf(total, () => Promise.all(Array.from({ length: CONCURRENCY }, client)));
}

function costOfTransfer(transfer: () => Promise<void>): Promise<Cost> {
  return costOf(TRANSFER_BYTES / MB, transfer);
}

async function drain(body: IncomingMessage | Readable): Promise<void> {
  for await (const _ of body);
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < TRANSFER_BYTES; sent += CHUNK.length) yield CHUNK;
}

/** Measures both clients in turn, with the order changing from round to round, after a round to warm up. */
async function compare(
  figure: string,
  unit: string,
  measureNow: () => Promise<Cost>,
  measureUndici: () => Promise<Cost>,
): Promise<void> {
  const rounds: { now: Cost; undici: Cost }[] = [];
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    const isNowFirst = round % 2 === 0;
    const first = await (isNowFirst ? measureNow : measureUndici)();
    const second = await (isNowFirst ? measureUndici : measureNow)();
    if (round > 0) rounds.push(isNowFirst ? { now: first, undici: second } : { now: second, undici: first });
  }
  const ratio = (of: (cost: Cost) => number) => median(rounds.map(({ now, undici }) => of(undici) / of(now)));
  report('http', `${figure}, present client`, median(rounds.map(({ now }) => now.rate)), unit);
  report('http', `${figure}, undici`, median(rounds.map(({ undici }) => undici.rate)), unit);
  report(
    'http',
    `${figure}, throughput ratio`,
    ratio(({ rate }) => rate),
    'x',
  );
  report(
    'http',
    `${figure}, CPU time ratio`,
    ratio(({ cpuUs }) => cpuUs),
    'x',
  );
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
