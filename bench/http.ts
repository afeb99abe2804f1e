/**
 * The HTTP client of lib/sandbox-api beside `fetch`, on loopback: throughput, and the CPU time that this process
 * spends, which a busy machine distorts less. Reports ratios from interleaved rounds of one run, of our client to
 * `fetch`: above 1, ours has the higher throughput or spends more CPU time. Options: --rounds N, --requests N.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
  const sendBytes = async (res: ServerResponse) => {
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
  const baseUrl = `http://127.0.0.1:${port}`;
  const endpoint = { baseUrl, headers: { 'x-access-token': 'token' }, callMs: 15_000 };
  /** A signal of its own for every request, as the application passes. */
  const newSignal = () => new AbortController().signal;
  const post = (url: string, init: RequestInit) =>
    fetch(url, { method: 'POST', signal: newSignal(), ...init });

  const sandboxUrl = `${baseUrl}/sandboxes/a`;
  await compare(
    'control requests',
    'requests/s',
    () =>
      costOfRequests(async () => {
        const request = { method: 'GET', url: sandboxUrl, headers: {}, signal: newSignal() } as const;
        JSON.parse((await sendRequest(request)).bytes.toString('utf8'));
      }),
    () => costOfRequests(async () => (await fetch(new Request(sandboxUrl))).json()),
  );

  const method = 'process.Process/List';
  const headers = {
    ...endpoint.headers,
    'content-type': 'application/json',
    'connect-protocol-version': '1',
  };
  await compare(
    'envd requests',
    'requests/s',
    () => costOfRequests(() => callConnect(endpoint, method, {}, { signal: newSignal() })),
    () => costOfRequests(async () => (await post(`${baseUrl}/${method}`, { headers, body: '{}' })).json()),
  );

  const transfer = () => ({ path: '/files', query: { path: '/a' }, signal: newSignal() });
  const filesUrl = `${baseUrl}/files?path=/a`;
  await compare(
    'download',
    'MB/s',
    () => costOfTransfer(async () => (await openDownload(endpoint, { ...transfer(), method: 'GET' })).body),
    () => costOfTransfer(async () => (await fetch(filesUrl, { signal: newSignal() })).body),
  );
  await compare(
    'upload',
    'MB/s',
    () =>
      costOfTransfer(
        async () => (await openUpload(endpoint, { ...transfer(), method: 'POST' }, chunks())).body,
      ),
    () =>
      costOfTransfer(async () => {
        const body = Readable.toWeb(Readable.from(chunks())) as BodyInit;
        return (await post(filesUrl, { body, duplex: 'half' } as RequestInit)).body;
      }),
  );
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
function costOfRequests(send: () => Promise<unknown>): Promise<Cost> {
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

/** Transfers a file and reads the body of the answer. */
function costOfTransfer(transfer: () => Promise<AsyncIterable<unknown> | null>): Promise<Cost> {
  return costOf(TRANSFER_BYTES / MB, async () => {
    for await (const _ of (await transfer()) ?? []);
  });
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < TRANSFER_BYTES; sent += CHUNK.length) yield CHUNK;
}

/** Measures both clients in turn, with the order changing from round to round, after a round to warm up. */
async function compare(
  figure: string,
  unit: string,
  measureOurs: () => Promise<Cost>,
  measureFetch: () => Promise<Cost>,
): Promise<void> {
  const rounds: { ours: Cost; fetch: Cost }[] = [];
  for (let round = 0; round <= Number(options.rounds); round += 1) {
    const isOursFirst = round % 2 === 0;
    const first = await (isOursFirst ? measureOurs : measureFetch)();
    const second = await (isOursFirst ? measureFetch : measureOurs)();
    if (round > 0) rounds.push(isOursFirst ? { ours: first, fetch: second } : { ours: second, fetch: first });
  }
  const ratio = (of: (cost: Cost) => number) =>
    median(rounds.map((round) => of(round.ours) / of(round.fetch)));
  report('http', `${figure}, our client`, median(rounds.map(({ ours }) => ours.rate)), unit);
  report('http', `${figure}, fetch`, median(rounds.map((round) => round.fetch.rate)), unit);
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
